import { setImmediate } from 'node:timers/promises';
import type { Sender } from 'rhea';
import { expect, test, vi } from 'vitest';
import { type FeedOptions, startFeed } from '../../../../../infra/local/hub/amqp/feed.ts';
import type { EventLog } from '../../../../../infra/local/hub/event-log.ts';
import { hubEvent, tickingLog } from './support.ts';

/** A feed to a receiver whose every move the test makes. `sent` holds the deliveries that it has not settled yet. */
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
  /** What happens on the link, and a turn of the event loop for the feed to answer it. */
  const happens = async (event: string, context: object = {}) => {
    listeners.get(event)?.(context);
    await setImmediate();
    await setImmediate();
  };
  const grant = (credit: number) => {
    link.credit += credit;
    return happens('sender_flow');
  };
  return { feed, link, sent, happens, grant };
}

test('no more is sent than there is credit for', async () => {
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

test('a receiver with much credit is sent all that it may have, before it settles any', async () => {
  const log = tickingLog();
  for (let index = 0; index < 1500; index += 1) log.append(hubEvent('a', index));
  const { sent, grant, feed } = feedOf(log);

  await grant(1200);
  await vi.waitFor(() => expect(sent).toHaveLength(1200));
  feed.stop();
});

test('a receiver that does not settle is sent a few megabytes, and more only as it settles', async () => {
  const log = tickingLog();
  const body = Buffer.alloc(1024 * 1024);
  for (let index = 0; index < 40; index += 1) log.append(hubEvent('a', body));
  const { sent, grant, happens, feed } = feedOf(log);

  await grant(500);
  await grant(500);
  expect(sent).toHaveLength(4);
  let settled = 0;
  while (sent.length > 0) {
    await happens('settled', { delivery: sent.shift() });
    settled += 1;
    expect(sent.length).toBeLessThanOrEqual(4);
  }
  expect(settled).toBe(40);
  feed.stop();
});

test('a receiver that starts in the future is sent nothing before it', async () => {
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

test('a receiver that drains its credit is told when there is nothing left for it', async () => {
  const log = tickingLog();
  log.append(hubEvent('a', 0));
  const { sent, link, grant, happens, feed } = feedOf(log);

  await grant(0);
  link.credit = 5;
  await happens('sender_draining');

  expect(sent).toHaveLength(1);
  expect(link.drained).toBe(1);
  log.append(hubEvent('a', 1));
  await happens('sender_flow');
  expect(sent).toHaveLength(1);
  feed.stop();
});

test('a feed that was stopped sends nothing, whatever comes', async () => {
  const log = tickingLog();
  const { sent, grant, feed } = feedOf(log);
  await grant(10);
  log.append(hubEvent('a', 0));
  feed.stop();
  await grant(10);

  expect(sent).toHaveLength(0);
});
