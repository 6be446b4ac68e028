import { earliestEventPosition, latestEventPosition, type SubscribeOptions } from '@azure/event-hubs';
import { describe, expect, test, vi } from 'vitest';
import {
  consumer,
  deviceOn,
  devicesOn,
  hubEvent,
  impatient,
  MemoryCheckpointStore,
  persistent,
  startEndpoint,
  startProxy,
  subscribe,
  tickingLog,
} from './support.ts';

const earliest = { startPosition: earliestEventPosition };
/** The SDK checks its connection after each batch or after this time. */
const checkOften = { maxWaitTimeInSeconds: 0.2 };

describe('an event', () => {
  test('arrives as IoT Hub sends it', async () => {
    const log = tickingLog();
    const endpoint = await startEndpoint(log);
    const applicationProperties = { hubName: 'a-hub', deviceId: 'plant 7/#?%é', opType: 'updateTwin' };
    const enqueued = new Date(Date.UTC(2024, 5, 1));
    const logged = log.append(
      hubEvent(
        'plant 7/#?%é',
        { version: 3 },
        {
          applicationProperties,
          annotations: { 'iothub-message-source': 'twinChangeEvents', 'iothub-enqueuedtime': enqueued },
        },
      ),
    );

    const [event] = await subscribe(consumer(endpoint), earliest).received(1);

    expect(event).toMatchObject({
      body: { version: 3 },
      properties: applicationProperties,
      sequenceNumber: 0,
      offset: '0',
      enqueuedTimeUtc: logged.enqueuedTime,
      partitionKey: 'plant 7/#?%é',
      correlationId: 'a-correlation',
      contentType: 'application/json',
    });
    expect(event?.systemProperties).toMatchObject({
      'iothub-message-source': 'twinChangeEvents',
      'iothub-enqueuedtime': enqueued.getTime(),
      contentEncoding: 'utf-8',
    });
    expect(Object.keys(event?.systemProperties ?? {})).toContain('userId');
  });

  test.for<[string, Buffer, unknown]>([
    ['empty', Buffer.alloc(0), Buffer.alloc(0)],
    ['not JSON', Buffer.from([0xff, 0x00, 0x7b]), Buffer.from([0xff, 0x00, 0x7b])],
    ['one MiB', Buffer.from(JSON.stringify('x'.repeat(1024 * 1024 - 2))), 'x'.repeat(1024 * 1024 - 2)],
  ])('with a body that is %s arrives whole, and so does the next event', async ([, body, expected]) => {
    const log = tickingLog();
    const endpoint = await startEndpoint(log);
    log.append(hubEvent('a', body));
    log.append(hubEvent('a', 'next'));

    const [event, next] = await subscribe(consumer(endpoint), earliest).received(2);

    expect(event?.body).toEqual(expected);
    expect(next?.body).toBe('next');
  });

  test('is pushed to a waiting receiver', async () => {
    const log = tickingLog();
    const endpoint = await startEndpoint(log);
    log.append(hubEvent('a', 'first'));
    const subscription = subscribe(consumer(endpoint), earliest);
    await subscription.received(1);

    log.append(hubEvent('a', 'second'));

    expect((await subscription.received(2)).map(({ body }) => body)).toEqual(['first', 'second']);
  });

  test('carries the last sequence number of the partition if the receiver tracks it', async () => {
    const log = tickingLog();
    const endpoint = await startEndpoint(log);
    for (let index = 0; index < 3; index += 1) log.append(hubEvent('a', index));
    const seen: unknown[] = [];
    const subscription = consumer(endpoint).subscribe(
      log.partitionOf('a'),
      {
        processEvents: async (_, context) => void seen.push(context.lastEnqueuedEventProperties?.sequenceNumber),
        processError: async () => {},
      },
      { ...earliest, trackLastEnqueuedEventProperties: true, maxWaitTimeInSeconds: 1 },
    );

    await vi.waitFor(() => expect(seen).toContain(2), 10_000);
    await subscription.close();
  });
});

describe('a receiver', () => {
  /** Four events, 0 to 3, on one partition, one second apart. */
  async function fourEvents() {
    const log = tickingLog();
    const logged = [0, 1, 2, 3].map((index) => log.append(hubEvent('a', index)));
    const partitionId = log.partitionOf('a');
    const endpoint = await startEndpoint(log);
    const bodiesFrom = async (startPosition: SubscribeOptions['startPosition'], expected: number) => {
      const subscription = subscribe(consumer(endpoint), { partitionId, ...(startPosition && { startPosition }) });
      const events = await subscription.received(expected);
      return events.map(({ body }) => body);
    };
    return { log, logged, bodiesFrom, endpoint, partitionId };
  }

  test('starts with the first event at the earliest position', async () => {
    const { bodiesFrom } = await fourEvents();
    expect(await bodiesFrom(earliestEventPosition, 4)).toEqual([0, 1, 2, 3]);
  });

  test('starts after an offset, or at an inclusive offset', async () => {
    const { bodiesFrom, logged } = await fourEvents();
    const offset = logged[1]?.offset ?? '';
    expect(await bodiesFrom({ offset }, 2)).toEqual([2, 3]);
    expect(await bodiesFrom({ offset, isInclusive: true }, 3)).toEqual([1, 2, 3]);
  });

  test('starts after a sequence number, or at an inclusive one', async () => {
    const { bodiesFrom } = await fourEvents();
    expect(await bodiesFrom({ sequenceNumber: 1 }, 2)).toEqual([2, 3]);
    expect(await bodiesFrom({ sequenceNumber: 1, isInclusive: true }, 3)).toEqual([1, 2, 3]);
  });

  test('starts after a time', async () => {
    const { bodiesFrom, logged } = await fourEvents();
    const [, second] = logged;
    expect(await bodiesFrom({ enqueuedOn: second?.enqueuedTime ?? 0 }, 2)).toEqual([2, 3]);
    expect(await bodiesFrom({ enqueuedOn: (second?.enqueuedTime.getTime() ?? 0) - 1 }, 3)).toEqual([1, 2, 3]);
  });

  test('starts with the next new event at the latest position', async () => {
    const { log, endpoint, partitionId } = await fourEvents();
    const subscription = subscribe(consumer(endpoint), { partitionId, startPosition: latestEventPosition });

    // The SDK does not signal that the receiver is attached, so the test appends events until one arrives.
    await vi.waitFor(() => {
      log.append(hubEvent('a', 'news'));
      expect(subscription.events.length).toBeGreaterThan(0);
    }, 10_000);

    expect(new Set(subscription.events.map(({ body }) => body))).toEqual(new Set(['news']));
  });

  test('is refused at a position past the end', async () => {
    const { endpoint, partitionId } = await fourEvents();
    for (const startPosition of [{ sequenceNumber: 17 }, { offset: '99999' }]) {
      const { failed } = subscribe(consumer(endpoint), { partitionId, startPosition });
      expect(await failed).toMatchObject({ code: 'ArgumentError', message: expect.stringContaining('is invalid') });
    }
  });
});

test('consumer groups with any name read independently', async () => {
  const log = tickingLog();
  const endpoint = await startEndpoint(log);
  const groups = ['$Default', 'a.b_c-1', 'another'];
  const subscriptions = groups.map((group) => subscribe(consumer(endpoint, { group }), earliest));
  for (let index = 0; index < 20; index += 1) log.append(hubEvent(`device-${index}`, index));

  for (const subscription of subscriptions) {
    const bodies = (await subscription.received(20)).map(({ body }) => body);
    expect(bodies.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  }
});

test('thousands of events arrive once each, in order within each partition', async () => {
  const log = tickingLog();
  const endpoint = await startEndpoint(log);
  const subscription = subscribe(consumer(endpoint), { ...earliest, maxBatchSize: 500 });
  const count = 12_000;
  for (let index = 0; index < count; index += 1) {
    log.append(hubEvent(`device-${index % 40}`, index));
    // The receivers start after the first half.
    if (index === count / 2) await subscription.received(1);
  }

  const events = await subscription.received(count);

  expect(events).toHaveLength(count);
  for (const partitionId of log.partitionIds) {
    const sequence = events
      .filter(({ partitionKey }) => log.partitionOf(String(partitionKey)) === partitionId)
      .map(({ sequenceNumber }) => sequenceNumber);
    expect(sequence).toEqual(log.events(partitionId).map(({ sequenceNumber }) => sequenceNumber));
  }
});

test('a client continues after its last event when its connection was cut', async () => {
  const log = tickingLog();
  const proxy = await startProxy(await startEndpoint(log));
  const client = consumer(proxy, { options: persistent });
  const subscription = subscribe(client, {
    ...earliest,
    ...checkOften,
    partitionId: log.partitionOf('a'),
    tolerant: true,
  });

  for (let index = 0; index < 30; index += 1) {
    log.append(hubEvent('a', index));
    if (index % 10 === 9) {
      await subscription.received(index);
      proxy.cut();
    }
  }

  const bodies = (await subscription.received(30)).map(({ body }) => body);
  expect(bodies).toEqual(Array.from({ length: 30 }, (_, index) => index));
});

test('a client reconnects to a restarted endpoint', async () => {
  const log = tickingLog();
  const before = await startEndpoint(log);
  const subscription = subscribe(consumer(before, { options: persistent }), {
    ...earliest,
    ...checkOften,
    partitionId: log.partitionOf('a'),
    tolerant: true,
  });
  log.append(hubEvent('a', 'before'));
  await subscription.received(1);

  await before.close();
  log.append(hubEvent('a', 'between'));
  await startEndpoint(log, { port: before.port });
  log.append(hubEvent('a', 'after'));

  expect((await subscription.received(3)).map(({ body }) => body)).toEqual(['before', 'between', 'after']);
});

test('two consumers with one checkpoint store share the partitions', async () => {
  const log = tickingLog();
  const endpoint = await startEndpoint(log);
  const store = new MemoryCheckpointStore();
  const options = { ...impatient, loadBalancingOptions: { strategy: 'greedy', updateIntervalInMs: 50 } };
  const shareOf = () => {
    const shares = Object.groupBy(store.owners.values(), ({ ownerId }) => ownerId);
    return Object.values(shares).map((partitions) => partitions?.length);
  };
  const join = () => subscribe(consumer(endpoint, { options, store }), { ...earliest, tolerant: true });

  const first = join();
  await vi.waitFor(() => expect(shareOf()).toEqual([4]), 10_000);
  const second = join();
  await vi.waitFor(() => expect(shareOf()).toEqual([2, 2]), 10_000);
  // The partitions are settled when each consumer has received events of two partitions.
  const devices = log.partitionIds.map((partitionId) => deviceOn(log, partitionId));
  await vi.waitFor(() => {
    for (const device of devices) log.append(hubEvent(device, 'probe'));
    const partitionsOf = (events: typeof first.events) => new Set(events.map(({ partitionKey }) => partitionKey)).size;
    expect(Math.min(partitionsOf(first.events), partitionsOf(second.events))).toBeGreaterThanOrEqual(2);
  }, 10_000);

  const fresh = log.partitionIds.flatMap((partitionId) => devicesOn(log, partitionId, 5));
  for (const device of fresh) log.append(hubEvent(device, 'fresh'));
  const freshOf = ({ events }: typeof first) =>
    events.filter(({ body }) => body === 'fresh').map(({ partitionKey }) => String(partitionKey));
  await vi.waitFor(() => expect(freshOf(first).length + freshOf(second).length).toBe(20), 10_000);

  expect([...freshOf(first), ...freshOf(second)].toSorted()).toEqual(fresh.toSorted());
  expect([freshOf(first).length, freshOf(second).length]).toEqual([10, 10]);
});
