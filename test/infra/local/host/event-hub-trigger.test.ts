import { BlobServiceClient } from '@azure/storage-blob';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AmqpEndpoint, startAmqp } from '../../../../infra/local/hub/amqp/index.ts';
import { EventLog, type LoggedEvent } from '../../../../infra/local/hub/event-log.ts';
import { newStorageAccount, type TestStorage } from '../../../support/storage.ts';
import { endHosts, type HostProcess, type HostProcessOptions, startHost } from './fixtures/host-process.ts';

let azurite: TestStorage;
let log: EventLog;
let amqp: AmqpEndpoint;
let group: string;

beforeAll(async () => {
  azurite = await newStorageAccount();
});
beforeEach(async () => {
  group = `group-${crypto.randomUUID()}`;
  log = new EventLog(4);
  amqp = await startAmqp(log, { port: 0, eventHubName: 'hub', keyName: 'service', key: 'c2VjcmV0' });
});
afterEach(async () => {
  await endHosts();
  await amqp.close();
});

/** With these options, a host gets the partitions of a killed host within seconds. */
const quickTakeover = {
  loadBalancingUpdateInterval: '00:00:01',
  partitionOwnershipExpirationInterval: '00:00:02.500',
};

function start(options: Partial<HostProcessOptions> & { kind?: string; keepEmpty?: boolean; eventHubs?: object } = {}) {
  return startHost({
    app: 'event-hub.cjs',
    settings: {
      AzureWebJobsStorage: azurite.endpoints.connectionString,
      Events: amqp.connectionString,
      HUB: 'hub',
      GROUP: group,
      KIND: options.kind ?? 'string',
      KEEP_EMPTY: options.keepEmpty === true ? '1' : '0',
    },
    hostJson: { extensions: { eventHubs: { ...quickTakeover, ...options.eventHubs } } },
    ...options,
  });
}

/** Appends an event to the event log as IoT Hub would send it. The hash of the device id selects the partition. */
function emit(body: string, deviceId = 'device'): LoggedEvent {
  return log.append({
    deviceId,
    body: Buffer.from(body),
    correlationId: 'correlation',
    userId: 'my-hub',
    applicationProperties: {
      hubName: 'my-hub',
      deviceId,
      opType: 'updateTwin',
      operationTimestamp: '2026-01-02T03:04:05.1234567Z',
    },
    annotations: {
      'iothub-connection-device-id': deviceId,
      'iothub-message-source': 'twinChangeEvents',
      'iothub-enqueuedtime': new Date('2026-01-02T03:04:05.120Z'),
    },
  });
}

const inputs = (host: HostProcess) => host.records.flatMap(({ input }) => input as unknown[]);

/**
 * The inputs and the metadata of all invocations, joined as if all events had arrived in one batch. On a busy machine, the events can
 * arrive in several batches.
 */
async function gathered(host: HostProcess, isAll: () => boolean) {
  await host.record(isAll);
  const metadata: Record<string, unknown> = {};
  for (const { triggerMetadata } of host.records) {
    for (const [key, value] of Object.entries(triggerMetadata ?? {})) {
      metadata[key] = Array.isArray(value) ? [...((metadata[key] as unknown[]) ?? []), ...value] : value;
    }
  }
  return { input: inputs(host), triggerMetadata: metadata };
}
const sequenceNumbers = (host: HostProcess) =>
  host.records.flatMap(({ triggerMetadata }) => triggerMetadata?.sequenceNumberArray as number[]);

/** Waits until the host has written the checkpoint of this event. */
async function checkpointed({ sequenceNumber }: LoggedEvent, deviceId = 'device') {
  const container = BlobServiceClient.fromConnectionString(azurite.endpoints.connectionString).getContainerClient(
    'azure-webjobs-eventhub',
  );
  for (;;) {
    for await (const blob of container.listBlobsFlat({ includeMetadata: true })) {
      const isOurs = blob.name.endsWith(`/hub/${group}/checkpoint/${log.partitionOf(deviceId)}`);
      if (isOurs && blob.metadata?.sequencenumber === String(sequenceNumber)) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('an event hub function of cardinality many', () => {
  it('receives bodies and metadata in parallel arrays, as in the runtime', async () => {
    const first = emit('{"version":1,"text":"2026-01-02T03:04:05.0000000Z"}');
    const second = emit('not JSON');
    const host = await start();
    const { input, triggerMetadata } = await gathered(host, () => inputs(host).length === 2);
    expect(input).toEqual([{ version: 1, text: '2026-01-02T03:04:05.0000000Z' }, 'not JSON']);
    const unspecified = (date: Date) => date.toISOString().replace(/\.?0*Z$/, '');
    expect(triggerMetadata).toMatchObject({
      triggerPartitionContext: {
        eventHubName: 'hub',
        consumerGroup: group,
        partitionId: log.partitionOf('device'),
        fullyQualifiedNamespace: expect.stringContaining('localhost'),
        isCheckpointingAfterInvocation: true,
      },
      partitionKeyArray: ['device', 'device'],
      sequenceNumberArray: [0, 1],
      offsetArray: [Number(first.offset), Number(second.offset)],
      // The library `@azure/functions` parses every string of a collection as JSON, so these offsets become numbers too.
      offsetStringArray: [Number(first.offset), Number(second.offset)],
      enqueuedTimeUtcArray: [unspecified(first.enqueuedTime), unspecified(second.enqueuedTime)],
    });
    expect(triggerMetadata.partitionContext).toEqual(triggerMetadata.triggerPartitionContext);
    expect(triggerMetadata).not.toHaveProperty('sys');
    expect(triggerMetadata.propertiesArray).toEqual(
      Array(2).fill({
        hubName: 'my-hub',
        deviceId: 'device',
        opType: 'updateTwin',
        operationTimestamp: '2026-01-02T03:04:05.1234567Z',
      }),
    );
    expect(triggerMetadata.systemPropertiesArray).toMatchObject([
      {
        'user-id': { length: 6, isEmpty: false },
        'correlation-id': 'correlation',
        'content-type': 'application/json',
        'content-encoding': 'utf-8',
        'iothub-connection-device-id': 'device',
        'iothub-message-source': 'twinChangeEvents',
        'iothub-enqueuedtime': '2026-01-02T03:04:05.12Z',
        'x-opt-sequence-number': 0,
        'x-opt-offset': first.offset,
        'x-opt-partition-key': 'device',
        'x-opt-enqueued-time': `${unspecified(first.enqueuedTime)}+00:00`,
        sequenceNumber: 0,
        offset: Number(first.offset),
        offsetString: first.offset,
        partitionKey: 'device',
        enqueuedTimeUtc: unspecified(first.enqueuedTime),
      },
      { 'x-opt-sequence-number': 1 },
    ]);
  });

  it('receives at most maxEventBatchSize events at a time, in order', async () => {
    for (let i = 0; i < 10; i++) emit(String(i));
    const host = await start({ eventHubs: { maxEventBatchSize: 4 } });
    await host.record(() => inputs(host).length === 10);
    expect(inputs(host)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const sizes = host.records.map(({ input }) => (input as unknown[]).length);
    expect(Math.max(...sizes)).toBe(4);
  });

  it('has one invocation at a time on each partition, independent of the others', async () => {
    const other = Array.from({ length: 50 }, (_, i) => `device-${i}`).find(
      (id) => log.partitionOf(id) !== log.partitionOf('device'),
    );
    const host = await start();
    emit('"wait"');
    await host.record(({ input }) => (input as unknown[]).includes('wait'));
    emit('"later"');
    emit('"elsewhere"', other);
    await host.record(({ input }) => (input as unknown[]).includes('elsewhere'));
    expect(inputs(host)).not.toContain('later');
    host.send('go on');
    await host.record(({ input }) => (input as unknown[]).includes('later'));
  });

  it('does not receive a batch again after it threw, because the checkpoint has advanced', async () => {
    const host = await start();
    const thrown = emit('"throw"');
    await host.record(() => true);
    await checkpointed(thrown);
    await host.end();
    const next = await start();
    emit('"next"');
    await next.record(() => true);
    expect(inputs(next)).toEqual(['next']);
    expect(host.log()).toMatch(/ error events invocation .*will not do/);
  });

  it('receives a batch again soon when the host was killed during it', async () => {
    const done = emit('"done"');
    const host = await start();
    await checkpointed(done);
    emit('"wait"');
    await host.record(({ input }) => (input as unknown[]).includes('wait'));
    await host.end('SIGKILL');
    const killedAt = Date.now();
    const next = await start();
    const { at } = await next.record(() => true);
    next.send('go on');
    expect(inputs(next)).toEqual(['wait']);
    // Without the intervals of host.json, the partitions of a killed host stay unclaimed for two minutes. A busy machine needs some seconds.
    expect(at - killedAt).toBeLessThan(60_000);
  });

  it('leaves the partitions of a killed host alone until the time of host.json has passed', async () => {
    const ownership = { loadBalancingUpdateInterval: '00:00:01', partitionOwnershipExpirationInterval: '00:00:08' };
    const host = await start({ eventHubs: ownership });
    await checkpointed(emit('"before"'));
    await host.end('SIGKILL');
    const killedAt = Date.now();
    for (const id of log.partitionIds) log.append({ ...emit('"after"'), deviceId: `device-${id}` }, id);
    const next = await start({ eventHubs: ownership });
    await next.record(() => inputs(next).length === 8);
    // The new host takes half of the partitions at once. The others follow when the killed host's ownership has expired.
    const last = Math.max(...next.records.map(({ at }) => at));
    expect(last - killedAt).toBeGreaterThan(5_000);
  });

  it('finishes and checkpoints its batch when the host closes, and leaves later events to the next host', async () => {
    const host = await start();
    const waiting = emit('"wait"');
    await host.record(() => true);
    emit('"later"');
    const ended = host.end();
    host.send('go on');
    expect(await ended).toBe(0);
    expect(inputs(host)).toEqual(['wait']);
    await checkpointed(waiting);
    const next = await start();
    await next.record(() => true);
    expect(inputs(next)).toEqual(['later']);
  });

  it('does not receive a batch with a body that is not JSON, unless its dataType is string, as in the runtime', async () => {
    const host = await start({ kind: 'json' });
    await checkpointed(emit('{"good":1}'));
    await checkpointed(emit('not JSON'));
    emit('{"good":2}');
    await host.record(({ input }) => JSON.stringify(input).includes('2'));
    expect(inputs(host)).toEqual([{ good: 1 }, { good: 2 }]);
    expect(host.log()).toMatch(/ error events invocation .*is not JSON/);
  });

  it('does not receive empty bodies unless the app has the capability for them, as in the runtime', async () => {
    emit('');
    emit('"full"');
    const host = await start();
    const { input } = await gathered(host, () => sequenceNumbers(host).length === 2);
    expect(input).toEqual(['full']);
    expect(sequenceNumbers(host)).toEqual([0, 1]);
    await host.end();
    group = `${group}-2`;
    const capable = await start({ keepEmpty: true });
    expect((await gathered(capable, () => sequenceNumbers(capable).length === 2)).input).toEqual(['', 'full']);
  });

  it('starts with new events when host.json says so', async () => {
    const old = emit('"old"');
    const host = await start({ eventHubs: { initialOffsetOptions: { type: 'fromEnd' } } });
    // The test cannot see when the host starts to receive, so the test sends events until one arrives.
    const sending = setInterval(() => emit('"new"'), 100);
    await host.record(() => true);
    clearInterval(sending);
    expect(new Set(inputs(host))).toEqual(new Set(['new']));
    expect(old.sequenceNumber).toBe(0);
  });

  it('continues at its checkpoint when the event hub is back', async () => {
    const host = await start();
    const before = emit('"before"');
    await checkpointed(before);
    await amqp.close();
    const { port } = amqp;
    amqp = await startAmqp(log, { port, eventHubName: 'hub', keyName: 'service', key: 'c2VjcmV0' });
    emit('"after"');
    await host.record(({ input }) => (input as unknown[]).includes('after'));
    expect(inputs(host)).toEqual(['before', 'after']);
  });

  it('is retried as its retry policy says before the checkpoint advances', async () => {
    const host = await start({ kind: 'retry' });
    await checkpointed(emit('"throw"'));
    const failure = { message: expect.stringContaining('will not do'), source: expect.any(String) };
    expect(host.records.map(({ retryContext }) => retryContext)).toEqual([
      { retryCount: 0, maxRetryCount: 2 },
      ...[1, 2].map((retryCount) => ({
        retryCount,
        maxRetryCount: 2,
        exception: { ...failure, stackTrace: expect.stringContaining('event-hub.cjs') },
      })),
    ]);
    expect(new Set(host.records.map(({ invocationId }) => invocationId)).size).toBe(1);
  });
});

describe('an event hub function of cardinality one', () => {
  it('receives one event at a time, with its metadata', async () => {
    emit('{"a":1}');
    const second = emit('plain');
    const host = await start({ kind: 'one' });
    const { triggerMetadata } = await host.record(({ input }) => input === 'plain');
    expect(host.records.map(({ input }) => input)).toEqual([{ a: 1 }, 'plain']);
    expect(triggerMetadata).toMatchObject({
      partitionKey: 'device',
      sequenceNumber: 1,
      offset: Number(second.offset),
      offsetString: Number(second.offset),
      properties: { opType: 'updateTwin' },
      systemProperties: { 'iothub-connection-device-id': 'device', sequenceNumber: 1 },
      triggerPartitionContext: { partitionId: log.partitionOf('device') },
    });
  });
});
