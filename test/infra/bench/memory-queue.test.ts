import { expect, it } from 'vitest';
import { MemoryQueue } from '../../../infra/bench/memory-queue.ts';
import { SkippingClock } from '../../../infra/local/skipping-clock.ts';

it('hands out what the queue would, no more at once than it may, and is idle when all is done', async () => {
  const queue = new MemoryQueue(new SkippingClock(), 2);
  const seen: unknown[] = [];
  let running = 0;
  let most = 0;
  queue.serve(async (message) => {
    most = Math.max(most, ++running);
    const isFirst = seen.push(message) === 1;
    await new Promise((resolve) => setImmediate(resolve));
    // Work that makes more work.
    if (isFirst) await queue.put({ type: 'continue', sweepId: 'late' }, 30);
    running -= 1;
  });
  for (let index = 0; index < 5; index++) await queue.put({ type: 'start' });
  await queue.idle();
  expect(seen).toHaveLength(6);
  expect(seen.at(-1)).toEqual({ v: 1, type: 'continue', sweepId: 'late' });
  expect(most).toBe(2);
});

it('says so when a message fails', async () => {
  const queue = new MemoryQueue(new SkippingClock(), 1);
  queue.serve(async () => {
    throw new Error('no storage');
  });
  await queue.put({ type: 'start' });
  await expect(queue.idle()).rejects.toThrow('no storage');
});
