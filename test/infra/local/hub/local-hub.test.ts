/** Tests of the whole hub: changes through `azure-iothub` arrive as events in `@azure/event-hubs`. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventHubConsumerClient, earliestEventPosition, type ReceivedEventData } from '@azure/event-hubs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLocalHub } from '../../../../infra/local/hub/index.ts';
import { connect } from './hub-client.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-hub-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('the local hub', () => {
  it('sends the changes made through azure-iothub to @azure/event-hubs', async () => {
    const hub = await startLocalHub({ folder, hubName: 'whole' });
    const { iotHubConnectionString, eventHubConnectionString, eventHubName, caFile } = hub.endpoints;
    const port = Number(/^HostName=localhost:(\d+);/.exec(iotHubConnectionString)?.[1]);
    const { registry, close } = connect(iotHubConnectionString, port, await readFile(caFile, 'utf8'));
    const consumer = new EventHubConsumerClient('$Default', eventHubConnectionString, eventHubName);
    try {
      await registry.create({ deviceId: "d#'%" });
      await registry.updateTwin("d#'%", { tags: { a: 1 } }, '*');
      const events = await receive(consumer, 2);
      expect(events.map((event) => event.properties?.opType)).toEqual(['createDeviceIdentity', 'updateTwin']);
      expect(events[1]?.body).toEqual({ version: 3, tags: { a: 1 } });
      expect(events[1]?.systemProperties).toMatchObject({
        'iothub-connection-device-id': "d#'%",
        'iothub-message-source': 'twinChangeEvents',
      });
    } finally {
      await consumer.close();
      close();
      await hub.close();
    }
  });

  it('has the same keys after a restart', async () => {
    const first = await startLocalHub({ folder });
    await first.close();
    const second = await startLocalHub({ folder });
    await second.close();
    const withoutPort = (text: string) => text.replace(/:\d+/, '');
    for (const name of ['iotHubConnectionString', 'twinkeeperConnectionString', 'eventHubConnectionString'] as const) {
      expect(withoutPort(first.endpoints[name])).toBe(withoutPort(second.endpoints[name]));
    }
    expect(first.endpoints.caFile).toBe(second.endpoints.caFile);
  });

  it.each(['httpsPort', 'amqpPort', 'controlPort'] as const)(
    'rejects with one line if its %s is in use',
    async (option) => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      try {
        await expect(startLocalHub({ folder, [option]: port })).rejects.toThrow(
          `Port ${port} is in use: stop the program that listens there, or choose another ${option}.`,
        );
      } finally {
        server.close();
      }
    },
  );
});

describe('the local hub as a process', () => {
  const main = join(import.meta.dirname, '../../../../infra/local/hub/main.ts');
  const start = (options: object) => fork(main, [JSON.stringify(options)], { execArgv: [], stdio: 'inherit' });

  it('sends its endpoints to the parent, and ends on SIGTERM', async () => {
    const child = start({ folder });
    const [message] = await once(child, 'message');
    expect(message).toMatchObject({ ready: { eventHubName: 'twinkeeper-local', caFile: join(folder, 'ca.pem') } });
    const { controlUrl } = (message as { ready: { controlUrl: string } }).ready;
    expect((await fetch(`${controlUrl}/calls`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('applies the throttle, the faults and the time scale of its options', async () => {
    const throttle = { tier: 'S1', units: 2, bulkCost: 'entries', burst: 0, queue: 0 };
    const fault = { share: 1, caller: 'twinkeeper', kinds: [{ status: 503 }], seconds: 3600 };
    const child = start({ folder, throttle, faults: [fault], timeScale: 60 });
    const [message] = await once(child, 'message');
    const { controlUrl } = (message as { ready: { controlUrl: string } }).ready;
    const get = async (path: string) => (await fetch(`${controlUrl}${path}`)).json();
    expect(await get('/throttle')).toEqual(throttle);
    expect(await get('/faults')).toEqual({ faults: [{ fault, active: true, calls: 0, struck: 0 }] });
    child.kill('SIGTERM');
    await once(child, 'exit');
  });

  it.each([
    [{ throttle: { tier: 'S1' } }, 'throttle.units must be a whole number, 1 or more, and is missing'],
    [
      { faults: [{ share: '20%', kinds: [{ drop: 'after' }] }] },
      'faults.0.share must be a number from 0 to 1, and is "20%"',
    ],
    [{ timeScale: 0 }, 'A time scale must be a number above 0, such as 60 for a minute in a second, not 0.'],
  ])('does not start with %j, and sends a one-line reason', async (options, reason) => {
    const child = start({ folder, ...options });
    const [message] = await once(child, 'message');
    expect(message).toEqual({ failed: reason });
    expect(await once(child, 'exit')).toEqual([1, null]);
  });

  it('ends when its parent has ended', async () => {
    const child = start({ folder });
    await once(child, 'message');
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

function receive(consumer: EventHubConsumerClient, count: number): Promise<readonly ReceivedEventData[]> {
  return new Promise((resolve, reject) => {
    const received: ReceivedEventData[] = [];
    const subscription = consumer.subscribe(
      {
        async processEvents(events) {
          received.push(...events);
          if (received.length < count) return;
          resolve(received);
          void subscription.close();
        },
        async processError(error) {
          reject(error);
        },
      },
      { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 },
    );
  });
}
