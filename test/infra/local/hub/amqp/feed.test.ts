import { setImmediate } from 'node:timers/promises';
import type { Sender } from 'rhea';
import { expect, test, vi } from 'vitest';
import { type FeedOptions, startFeed } from '../../../../../infra/local/hub/amqp/feed.ts';
import type { EventLog } from '../../../../../infra/local/hub/event-log.ts';
import { hubEvent, tickingLog } from './support.ts';

/** Starts a feed to a fake receiver, which the test controls. `sent` contains the deliveries that the receiver has not settled yet. */
function feedOf(log: EventLog, options: Partial<FeedOptions> = {}) {
  const sent: { readonly sequenceNumber: number }[] = [];
  const listeners = new Map<string, (context: object) => void>();
  const link = {
    credit: 0,
    session: { outgoing: { available: () => 2048, next_delivery_id: 0, next_pending_delivery: 0 } },
    drained: 0,
    on: (event: string, listener: (context: object) => void) => listeners.set(event, listener),
    send: (_: Buffer, tag: Buffer) => {
      const delivery = { sequenceNumber: tag.readUInt32BE() };
      sent.push(delivery);
      link.credit -= 1;
      return delivery;
    },
    set_drained: () => {
      link.drained += 1;
      link.credit = 0;
    },
  };
  const feed = startFeed(link as unknown as Sender, {
    log,
    partitionId: log.partitionOf('a'),
    start: { index: 0, matches: () => true },
    metrics: false,
    mayContinue: () => true,
    socket: { cork: () => {}, uncork: () => {} },
    ...options,
  });
  /** Emits one of rhea's events on the link, and waits until the feed has handled this event. */
  const emit = async (event: string, context: object = {}) => {
    listeners.get(event)?.(context);
    await setImmediate();
    await setImmediate();
  };
  /** Gives credit to the feed, as a receiver does with a flow frame. */
  const grant = (credit: number) => {
    link.credit += credit;
    return emit('sender_flow');
  };
  return { feed, link, sent, emit, grant };
}

test('a feed sends no more events than the credit allows', async () => {
  const log = tickingLog();
  for (let index = 0; index < 10; index += 1) log.append(hubEvent('a', index));
  const { sent, grant, feed } = feedOf(log);

  await grant(3);
  expect(sent).toHaveLength(3);
  log.append(hubEvent('a', 'more'));
  await grant(0);
  expect(sent).toHaveLength(3);
  await grant(2);
  expect(sent.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2, 3, 4]);
  feed.stop();
});

test('a feed uses all of a large credit before the receiver settles', async () => {
  const log = tickingLog();
  for (let index = 0; index < 1500; index += 1) log.append(hubEvent('a', index));
  const { sent, grant, feed } = feedOf(log);

  await grant(1200);
  await vi.waitFor(() => expect(sent).toHaveLength(1200), 30_000);
  feed.stop();
});

test('a feed pauses after four unsettled megabytes, and continues as the receiver settles', async () => {
  const log = tickingLog();
  const body = Buffer.alloc(1024 * 1024);
  for (let index = 0; index < 40; index += 1) log.append(hubEvent('a', body));
  const { sent, grant, emit, feed } = feedOf(log);

  await grant(500);
  await grant(500);
  expect(sent).toHaveLength(4);
  let settled = 0;
  while (sent.length > 0) {
    await emit('settled', { delivery: sent.shift() });
    settled += 1;
    expect(sent.length).toBeLessThanOrEqual(4);
  }
  expect(settled).toBe(40);
  feed.stop();
});

test('a feed with a start in the future skips earlier events', async () => {
  const log = tickingLog();
  const first = log.append(hubEvent('a', 0));
  const until = first.enqueuedTime.getTime() + 2000;
  const start = { index: 1, matches: ({ enqueuedTime }: { enqueuedTime: Date }) => enqueuedTime.getTime() > until };
  const { sent, grant, feed } = feedOf(log, { start });

  for (let index = 1; index < 6; index += 1) log.append(hubEvent('a', index));
  await grant(10);

  expect(sent.map(({ sequenceNumber }) => sequenceNumber)).toEqual([3, 4, 5]);
  feed.stop();
});

test('a feed confirms a drain after it has sent all events', async () => {
  const log = tickingLog();
  log.append(hubEvent('a', 0));
  const { sent, link, grant, emit, feed } = feedOf(log);

  await grant(0);
  link.credit = 5;
  await emit('sender_draining');

  expect(sent).toHaveLength(1);
  expect(link.drained).toBe(1);
  log.append(hubEvent('a', 1));
  await emit('sender_flow');
  expect(sent).toHaveLength(1);
  feed.stop();
});

test('a stopped feed sends nothing', async () => {
  const log = tickingLog();
  const { sent, grant, feed } = feedOf(log);
  await grant(10);
  log.append(hubEvent('a', 0));
  feed.stop();
  await grant(10);

  expect(sent).toHaveLength(0);
});
