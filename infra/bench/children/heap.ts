/** Sends the heap's size after each so many events that went through the app. Needs `--expose-gc`. */
import { givenOptions, sendResult } from '../child.ts';
import { batchSize, loadApp } from '../loaded-app.ts';

/** The heap in use once garbage is collected. */
export interface HeapSample {
  /** Handled until then. */
  readonly events: number;
  readonly bytes: number;
}

const { file, events, every } = givenOptions<{
  readonly file: string;
  readonly events: number;
  readonly every: number;
}>();
const collect = globalThis.gc;
if (collect === undefined) throw new Error('Garbage cannot be collected on demand: start with --expose-gc.');

const app = await loadApp(file);
const samples: HeapSample[] = [];
for (let handled = 0; samples.length < Math.floor(events / every); ) {
  await app.invoke(app.batch(handled));
  handled += batchSize;
  if (handled < (samples.length + 1) * every) continue;
  // Twice: what a first collection finalizes, the second frees.
  for (let round = 0; round < 2; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  samples.push({ events: handled, bytes: process.memoryUsage().heapUsed });
}
sendResult(samples);
