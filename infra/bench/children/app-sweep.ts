/**
 * Runs one sweep of the app as the Functions worker does, and handles the queue messages of the sweep. Sends the sweep's row, the durations
 * and, on request, the largest heap size.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SweepRow } from '../../../shared/sweep/store/index.ts';
import { givenOptions, sendResult } from '../child-process.ts';
import { type HeapPeak, HeapWatch, type Sampling } from '../heap-watch.ts';
import { loadApp } from '../loaded-app.ts';

export interface AppSweepOptions {
  /** Path of the bundled app. */
  readonly file: string;
  /** How to sample the heap while the sweep searches for drift. Without it, the heap is not sampled. */
  readonly sampling?: Sampling;
}

export interface AppSweepResult {
  readonly row: SweepRow;
  /** Milliseconds from the start of the sweep until its search for drift was done. */
  readonly searchedMs: number;
  /** Milliseconds from the start of the sweep until all repairs were done. */
  readonly doneMs: number;
  readonly heap?: HeapPeak;
}

/** Milliseconds that a sweep may take. A longer sweep has failed. */
const sweepTimeout = 300_000;

const { file, sampling } = givenOptions<AppSweepOptions>();
const failures: string[] = [];
const context = {
  info: () => {},
  warn: (text: string) => failures.push(text),
  error: (text: string) => failures.push(text),
};

const app = await loadApp(file);
const watch = sampling === undefined ? undefined : new HeapWatch(sampling);
const from = performance.now();
await app.handle('sweep', {}, context);
const searchedMs = performance.now() - from;
const heap = watch?.end();
const row = await handleQueue();
const doneMs = performance.now() - from;
if (failures.length > 0) throw new Error(`The app logged warnings or errors: ${failures.slice(0, 3).join(' ')}`);
sendResult({ row, searchedMs, doneMs, ...(heap === undefined ? {} : { heap }) } satisfies AppSweepResult);

/**
 * Passes the queue messages of the sweep to the app, as the Functions host does, until all parts of the sweep are done. Returns the sweep's
 * row.
 */
async function handleQueue(): Promise<SweepRow> {
  // These modules are imported after the heap was measured, so the measured heap does not contain them.
  const { openQueue } = await import('../../../shared/storage/index.ts');
  const { createSweepStore } = await import('../../../shared/sweep/store/index.ts');
  const { sweepQueueName } = await import('../../../shared/sweep/index.ts');
  const storage = { connectionString: process.env.AzureWebJobsStorage ?? '' };
  const queue = await openQueue(storage, sweepQueueName);
  const store = createSweepStore(storage, () => new Date());
  for (;;) {
    const { receivedMessageItems: messages } = await queue.receiveMessages({
      numberOfMessages: 16,
      visibilityTimeout: 600,
    });
    await Promise.all(
      messages.map(async ({ messageId, popReceipt, messageText }) => {
        await app.handle('sweep-work', JSON.parse(Buffer.from(messageText, 'base64').toString()), context);
        await queue.deleteMessage(messageId, popReceipt);
      }),
    );
    if (messages.length > 0) continue;
    const [last] = await store.list(1);
    if (last?.state === 'done' && last.partsDone >= last.parts) return last;
    if (performance.now() - from > sweepTimeout)
      throw new Error(`The sweep did not end within ${sweepTimeout / 1000} s: ${JSON.stringify(last)}`);
    await delay(50);
  }
}
