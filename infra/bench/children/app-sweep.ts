/**
 * Has the app sweep once, as the Functions worker would, and does what the sweep found. Sends what the sweep's row says, how long it took
 * and, where asked, how large the heap was during it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SweepRow } from '../../../shared/sweep/store/index.ts';
import { givenOptions, sendResult } from '../child.ts';
import { type HeapPeak, HeapWatch, type Sampling } from '../heap-watch.ts';
import { loadApp } from '../loaded-app.ts';

export interface AppSweepOptions {
  /** The app's bundle. */
  readonly file: string;
  /** Watches the heap until the sweep has asked all that it asks. */
  readonly sampling?: Sampling;
}

export interface AppSweepResult {
  readonly row: SweepRow;
  /** Until all was asked, and until all that was found was done; of the second, the first is a part. */
  readonly askedAfterMs: number;
  readonly doneAfterMs: number;
  readonly heap?: HeapPeak;
}

/** A sweep that takes longer than this has come to a halt, in milliseconds. */
const patience = 300_000;

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
const askedAfterMs = performance.now() - from;
const heap = watch?.end();
const row = await workOff();
const doneAfterMs = performance.now() - from;
if (failures.length > 0) throw new Error(`The app complained: ${failures.slice(0, 3).join(' ')}`);
sendResult({ row, askedAfterMs, doneAfterMs, ...(heap === undefined ? {} : { heap }) } satisfies AppSweepResult);

/** Takes the sweep's messages from their queue to the app, as the Functions host does, until all parts are done. */
async function workOff(): Promise<SweepRow> {
  // The function host's business, and not in the app's process: it must not be in the heap that is measured.
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
    if (performance.now() - from > patience) throw new Error(`The sweep does not end: ${JSON.stringify(last)}`);
    await delay(50);
  }
}
