import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import {
  type Checkpoint,
  type CheckpointStore,
  EventHubConsumerClient,
  EventHubProducerClient,
  type PartitionOwnership,
  type ReceivedEventData,
  type SubscribeOptions,
} from '@azure/event-hubs';
import rhea, { type Connection, type Receiver, type Sender } from 'rhea';
import { onTestFinished } from 'vitest';
import { type AmqpEndpoint, type AmqpOptions, startAmqp } from '../../../../../infra/local/hub/amqp/index.ts';
import { EventLog, type HubEvent } from '../../../../../infra/local/hub/event-log.ts';

export const eventHubName = 'local-hub';
export const credentials = { keyName: 'iothubowner', key: 'c2VjcmV0IGtleQ==' };

/** Client options without retries, so that a test sees the first error. */
export const impatient = { retryOptions: { maxRetries: 0, timeoutInMs: 10_000 } };
/** Client options with many retries after short delays, so that a client reconnects soon after a lost connection. */
export const persistent = { retryOptions: { maxRetries: 20, retryDelayInMs: 10, timeoutInMs: 10_000 } };

/** Starts an AMQP endpoint on a free port. The endpoint closes when the test ends. */
export async function startEndpoint(log: EventLog, options: Partial<AmqpOptions> = {}): Promise<AmqpEndpoint> {
  const endpoint = await startAmqp(log, { port: 0, eventHubName, ...credentials, ...options });
  onTestFinished(() => endpoint.close());
  return endpoint;
}

/** Creates a consumer with the unmodified SDK. The consumer closes when the test ends. */
export function consumer(
  { connectionString }: { readonly connectionString: string },
  {
    group = '$Default',
    hub = eventHubName,
    options = impatient as object,
    store = undefined as CheckpointStore | undefined,
  } = {},
): EventHubConsumerClient {
  const client =
    store === undefined
      ? new EventHubConsumerClient(group, connectionString, hub, options)
      : new EventHubConsumerClient(group, connectionString, hub, store, options);
  onTestFinished(() => closed(client));
  return client;
}

/**
 * Closes a client of the SDK. A client that loses a partition while it closes sometimes never ends (@azure/event-hubs 6.0.4). The connection ends
 * with the endpoint, so the test goes on after ten seconds.
 */
async function closed(client: { close(): Promise<void> }): Promise<void> {
  await Promise.race([client.close(), setTimeout(10_000, undefined, { ref: false })]);
}

/** Creates a producer with the unmodified SDK. The producer closes when the test ends. */
export function producer({ connectionString }: { readonly connectionString: string }): EventHubProducerClient {
  const client = new EventHubProducerClient(connectionString, eventHubName, impatient);
  onTestFinished(() => closed(client));
  return client;
}

/** A running subscription, and the events that it has received. */
export interface Subscription {
  /** The received events in order of arrival. */
  readonly events: ReceivedEventData[];
  /**
   * Resolves when `count` events have arrived. Rejects when the client reports an error, unless the subscription has the option `tolerant`.
   */
  received(count: number): Promise<readonly ReceivedEventData[]>;
  /** Resolves with the first error that the client reports. */
  readonly failed: Promise<Error & { code?: string }>;
  close(): Promise<void>;
}

/**
 * Subscribes to one partition, or without `partitionId` to all partitions. The subscription ends when the test ends, if the test has not
 * closed it before. With `tolerant`, errors of the client do not end the wait for events.
 */
export function subscribe(
  client: EventHubConsumerClient,
  options: SubscribeOptions & { partitionId?: string; tolerant?: boolean },
): Subscription {
  const { partitionId, tolerant = false, ...rest } = options;
  const events: ReceivedEventData[] = [];
  const failure = Promise.withResolvers<Error>();
  let wake = Promise.withResolvers<void>();
  const handlers = {
    processEvents: async (batch: ReceivedEventData[]) => {
      events.push(...batch);
      wake.resolve();
      wake = Promise.withResolvers();
    },
    processError: async (error: Error) => failure.resolve(error),
  };
  const settings = { maxWaitTimeInSeconds: 60, ...rest };
  const subscription =
    partitionId === undefined
      ? client.subscribe(handlers, settings)
      : client.subscribe(partitionId, handlers, settings);
  onTestFinished(() => subscription.close());
  return {
    events,
    failed: failure.promise,
    async received(count) {
      const thrown = tolerant
        ? new Promise<never>(() => {})
        : failure.promise.then((error) => {
            throw error;
          });
      while (events.length < count) await Promise.race([wake.promise, thrown]);
      return events;
    },
    close: () => subscription.close(),
  };
}

/** Creates an event log whose clock starts in 2024. The clock advances by one second with each event. */
export function tickingLog(): EventLog {
  let now = Date.UTC(2024, 0, 1);
  return new EventLog(4, () => {
    now += 1000;
    return new Date(now);
  });
}

/** Creates an event. `body` is converted to JSON, but a `Buffer` stays unchanged. */
export function hubEvent(deviceId: string, body: unknown, fields: Partial<HubEvent> = {}): HubEvent {
  return {
    deviceId,
    body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
    correlationId: 'a-correlation',
    userId: 'a-hub',
    applicationProperties: { hubName: 'a-hub', deviceId, opType: 'updateTwin' },
    annotations: { 'iothub-message-source': 'twinChangeEvents' },
    ...fields,
  };
}

/** Returns the ids of `count` devices whose events go to this partition. */
export function devicesOn(log: EventLog, partitionId: string, count = 1): readonly string[] {
  const found: string[] = [];
  for (let index = 0; found.length < count; index += 1) {
    if (log.partitionOf(`device-${index}`) === partitionId) found.push(`device-${index}`);
  }
  return found;
}

export function deviceOn(log: EventLog, partitionId: string): string {
  return devicesOn(log, partitionId)[0] ?? '';
}

/** Starts a TCP proxy in front of an AMQP endpoint. The returned function `cut` breaks all connections through the proxy. */
export async function startProxy({ port, connectionString }: AmqpEndpoint) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ port, host: '127.0.0.1' });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const proxyPort = (server.address() as AddressInfo).port;
  return { connectionString: connectionString.replace(`:${port};`, `:${proxyPort};`), cut };
}

/**
 * A checkpoint store for the SDK that is in memory. A consumer can claim a partition only with the latest ETag of the partition's
 * ownership.
 */
export class MemoryCheckpointStore implements CheckpointStore {
  readonly owners = new Map<string, PartitionOwnership>();
  readonly checkpoints = new Map<string, Checkpoint>();
  #etag = 0;

  async listOwnership(): Promise<PartitionOwnership[]> {
    return [...this.owners.values()].map((ownership) => ({ ...ownership }));
  }

  async claimOwnership(claims: PartitionOwnership[]): Promise<PartitionOwnership[]> {
    return claims.flatMap((ownership) => {
      if (this.owners.get(ownership.partitionId)?.etag !== ownership.etag) return [];
      this.#etag += 1;
      const claimed = { ...ownership, etag: String(this.#etag), lastModifiedTimeInMs: Date.now() };
      this.owners.set(ownership.partitionId, claimed);
      return [{ ...claimed }];
    });
  }

  async updateCheckpoint(checkpoint: Checkpoint): Promise<void> {
    this.checkpoints.set(checkpoint.partitionId, checkpoint);
  }

  async listCheckpoints(): Promise<Checkpoint[]> {
    return [...this.checkpoints.values()];
  }
}

/** Opens an AMQP connection without the SDK, so that a test can send invalid requests. The connection closes when the test ends. */
export function rawConnection({ port }: { readonly port: number }): Connection {
  const container = rhea.create_container();
  const connection = container.connect({ host: 'localhost', port, username: 'anyone', reconnect: false });
  for (const event of ['disconnected', 'connection_error', 'error']) connection.on(event, () => {});
  onTestFinished(() => connection.close());
  return connection;
}

/** The response of the endpoint to a new link: `'open'`, or an AMQP error condition if the endpoint refuses the link. */
export function answerTo(link: Sender | Receiver): Promise<string> {
  return new Promise((resolve) => {
    const kind = link.is_receiver() ? 'receiver' : 'sender';
    let refused = false;
    link.once(`${kind}_error`, () => {
      refused = true;
      resolve(String(link.error && 'condition' in link.error ? link.error.condition : link.error));
    });
    // The endpoint attaches a refused link and detaches it at once. So the link is open only if no error arrives in this turn of the event
    // loop.
    link.once(`${kind}_open`, () => setImmediate(() => refused || resolve('open')));
    link.once(`${kind}_close`, () => {});
  });
}
