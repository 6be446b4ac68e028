import { describe, expect, it } from 'vitest';
import { MemoryQueue } from '../../../infra/bench/memory-queue.ts';
import { SkippingClock } from '../../../infra/local/skipping-clock.ts';

describe('the memory queue', () => {
  it('handles every message, at most its concurrency at once, and then is idle', async () => {
    const queue = new MemoryQueue(new SkippingClock(), 2);
    const seen: unknown[] = [];
    let running = 0;
    let maxRunning = 0;
    queue.serve(async (message) => {
      maxRunning = Math.max(maxRunning, ++running);
      const isFirst = seen.push(message) === 1;
      await new Promise((resolve) => setImmediate(resolve));
      // The handler of the first message adds another message.
      if (isFirst) await queue.put({ type: 'continue', sweepId: 'late' }, 30);
      running -= 1;
    });
    for (let index = 0; index < 5; index++) await queue.put({ type: 'start' });
    await queue.idle();
    expect(seen).toHaveLength(6);
    expect(seen.at(-1)).toEqual({ v: 1, type: 'continue', sweepId: 'late' });
    expect(maxRunning).toBe(2);
  });

  it('rejects when a message fails', async () => {
    const queue = new MemoryQueue(new SkippingClock(), 1);
    queue.serve(async () => {
      throw new Error('no storage');
    });
    await queue.put({ type: 'start' });
    await expect(queue.idle()).rejects.toThrow('no storage');
  });
});
