/** Passes events to the app, and sends the heap size after every `every` events. Needs Node's option `--expose-gc`. */
import { givenOptions, sendResult } from '../child-process.ts';
import { batchSize, loadApp } from '../loaded-app.ts';

/** The heap size after a garbage collection. */
export interface HeapSample {
  /** Number of events that the app had handled when the heap was measured. */
  readonly events: number;
  readonly bytes: number;
}

const { file, events, every } = givenOptions<{
  readonly file: string;
  readonly events: number;
  readonly every: number;
}>();
const collect = globalThis.gc;
if (collect === undefined)
  throw new Error('Garbage collection on demand is not available: start Node with --expose-gc.');

const app = await loadApp(file);
const samples: HeapSample[] = [];
for (let handled = 0; samples.length < Math.floor(events / every); ) {
  await app.invoke(app.batch(handled));
  handled += batchSize;
  if (handled < (samples.length + 1) * every) continue;
  // Collects garbage twice: the second collection frees objects that the first collection finalized.
  for (let round = 0; round < 2; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  samples.push({ events: handled, bytes: process.memoryUsage().heapUsed });
}
sendResult(samples);
