/** Tests with several consumers, with consumers that reconnect, and with many events. */
import { earliestEventPosition } from '@azure/event-hubs';
import { expect, test, vi } from 'vitest';
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
/** Options with which the SDK checks its connection after each batch of events, or after 0.2 seconds without events. */
const checkOften = { maxWaitTimeInSeconds: 0.2 };

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
    // The test waits for the first event in the middle. So the receivers read while the second half of the events is appended.
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
  // Each consumer has its two partitions for certain when it has received events of two partitions.
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
