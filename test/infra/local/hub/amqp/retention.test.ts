/** A log that keeps only its newest events, and receivers that ask for older ones. */
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

describe('a log with a limit', () => {
  test('keeps the newest events, whose numbers and offsets go on counting', () => {
    const all = logOf(10, Number.POSITIVE_INFINITY);
    const some = logOf(10, 3);
    const places = (log: EventLog) => log.events('0').map(({ sequenceNumber, offset }) => [sequenceNumber, offset]);
    expect(places(some)).toEqual(places(all).slice(-3));
    expect(some.count('0')).toBe(10);
  });

  test.for([0, -1, 1.5, Number.NaN])('of %s is refused', (retain) => {
    expect(() => new EventLog(1, undefined, retain)).toThrow(
      `retain must be a number of events, 1 or more, not ${retain}`,
    );
  });
});

describe('a receiver', () => {
  test.for([
    ['the first event', earliestEventPosition],
    ['a sequence number', { sequenceNumber: 2 }],
    ['a time', { enqueuedOn: 0 }],
  ] as const)(
    'that asks for what is gone, from %s on, starts at the oldest that is there',
    async ([, startPosition]) => {
      const log = logOf(10, 3);
      const client = consumer(await startEndpoint(log));
      const subscription = subscribe(client, { startPosition, partitionId: '0' });
      expect(bodies(await subscription.received(3))).toEqual([7, 8, 9]);
      log.append(hubEvent('a', 10));
      expect(bodies(await subscription.received(4))).toEqual([7, 8, 9, 10]);
    },
  );

  test('that asks for what is there starts there', async () => {
    const client = consumer(await startEndpoint(logOf(10, 3)));
    const subscription = subscribe(client, { startPosition: { sequenceNumber: 7 }, partitionId: '0' });
    expect(bodies(await subscription.received(2))).toEqual([8, 9]);
  });

  test('that keeps up gets each event once, however little is kept', async () => {
    const log = logOf(1, 2);
    const client = consumer(await startEndpoint(log));
    const subscription = subscribe(client, { startPosition: earliestEventPosition, partitionId: '0' });
    for (let index = 1; index < 50; index += 1) {
      await subscription.received(index);
      log.append(hubEvent('a', index));
    }
    expect(bodies(await subscription.received(50))).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('that does not keep up misses what is gone, and goes on with the oldest that is there', async () => {
    const log = logOf(1, 2);
    const client = consumer(await startEndpoint(log));
    const subscription = subscribe(client, { startPosition: earliestEventPosition, partitionId: '0' });
    await subscription.received(1);
    for (let index = 1; index < 50; index += 1) log.append(hubEvent('a', index));
    expect(bodies(await subscription.received(3))).toEqual([0, 48, 49]);
  });

  test('is told where the partition begins', async () => {
    const client = consumer(await startEndpoint(logOf(10, 3)));
    expect(await client.getPartitionProperties('0')).toMatchObject({
      beginningSequenceNumber: 7,
      lastEnqueuedSequenceNumber: 9,
      isEmpty: false,
    });
  });
});
