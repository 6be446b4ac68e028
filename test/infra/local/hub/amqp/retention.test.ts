/** Tests of a log that keeps only its newest events, and of receivers that start at dropped events. */
import { earliestEventPosition } from '@azure/event-hubs';
import { describe, expect, test } from 'vitest';
import { EventLog } from '../../../../../infra/local/hub/event-log.ts';
import { consumer, hubEvent, startEndpoint, subscribe } from './support.ts';

function logOf(count: number, retain: number): EventLog {
  const log = new EventLog(1, undefined, retain);
  for (let index = 0; index < count; index += 1) log.append(hubEvent('a', index));
  return log;
}

const bodies = (events: readonly { readonly body: unknown }[]) => events.map(({ body }) => body);

describe('a log with a retention limit', () => {
  test('keeps the newest events with their sequence numbers and offsets', () => {
    const all = logOf(10, Number.POSITIVE_INFINITY);
    const some = logOf(10, 3);
    const positions = (log: EventLog) => log.events('0').map(({ sequenceNumber, offset }) => [sequenceNumber, offset]);
    expect(positions(some)).toEqual(positions(all).slice(-3));
    expect(some.count('0')).toBe(10);
  });

  test.for([0, -1, 1.5, Number.NaN])('refuses the limit %s', (retain) => {
    expect(() => new EventLog(1, undefined, retain)).toThrow(
      `retain must be a whole number of events, 1 or more, not ${retain}`,
    );
  });
});

describe('a receiver of a log with a retention limit', () => {
  test.for([
    ['the first event', earliestEventPosition],
    ['a sequence number', { sequenceNumber: 2 }],
    ['a time', { enqueuedOn: 0 }],
  ] as const)('starts at the oldest kept event if its start, %s, was dropped', async ([, startPosition]) => {
    const log = logOf(10, 3);
    const client = consumer(await startEndpoint(log));
    const subscription = subscribe(client, { startPosition, partitionId: '0' });
    expect(bodies(await subscription.received(3))).toEqual([7, 8, 9]);
    log.append(hubEvent('a', 10));
    expect(bodies(await subscription.received(4))).toEqual([7, 8, 9, 10]);
  });

  test('starts at a kept event', async () => {
    const client = consumer(await startEndpoint(logOf(10, 3)));
    const subscription = subscribe(client, { startPosition: { sequenceNumber: 7 }, partitionId: '0' });
    expect(bodies(await subscription.received(2))).toEqual([8, 9]);
  });

  test('gets each event once if it keeps up', async () => {
    const log = logOf(1, 2);
    const client = consumer(await startEndpoint(log));
    const subscription = subscribe(client, { startPosition: earliestEventPosition, partitionId: '0' });
    for (let index = 1; index < 50; index += 1) {
      await subscription.received(index);
      log.append(hubEvent('a', index));
    }
    expect(bodies(await subscription.received(50))).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('misses dropped events and continues with the oldest kept one', async () => {
    const log = logOf(1, 2);
    const client = consumer(await startEndpoint(log));
    const subscription = subscribe(client, { startPosition: earliestEventPosition, partitionId: '0' });
    await subscription.received(1);
    for (let index = 1; index < 50; index += 1) log.append(hubEvent('a', index));
    expect(bodies(await subscription.received(3))).toEqual([0, 48, 49]);
  });

  test('can read the first sequence number of the partition', async () => {
    const client = consumer(await startEndpoint(logOf(10, 3)));
    expect(await client.getPartitionProperties('0')).toMatchObject({
      beginningSequenceNumber: 7,
      lastEnqueuedSequenceNumber: 9,
      isEmpty: false,
    });
  });
});
