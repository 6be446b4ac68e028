/** How the heap is sampled: with uncollected garbage, or after a garbage collection before each sample. */
export type Sampling = 'withGarbage' | 'withoutGarbage';

/** Sizes of the heap in bytes. They include the buffers that objects hold outside V8's heap. */
export interface HeapPeak {
  /** Heap size in bytes at the start, after a garbage collection. */
  readonly before: number;
  readonly peak: number;
  /** Number of samples that were taken. */
  readonly samples: number;
}

/** Milliseconds between two samples. A sample without garbage is taken less often, because a garbage collection takes about 20 ms. */
const intervals: Readonly<Record<Sampling, number>> = { withGarbage: 2, withoutGarbage: 100 };

/** Samples the heap size of this process at intervals, and keeps the largest size. Needs Node's option `--expose-gc`. */
export class HeapWatch {
  readonly #sampling: Sampling;
  readonly #before: number;
  readonly #timer: NodeJS.Timeout;
  #peak = 0;
  #samples = 0;

  constructor(sampling: Sampling) {
    this.#sampling = sampling;
    collect();
    this.#before = heapSize();
    this.#timer = setInterval(() => this.#sample(), intervals[sampling]);
  }

  /** Takes the last sample, stops sampling, and returns the sizes. */
  end(): HeapPeak {
    clearInterval(this.#timer);
    this.#sample();
    return { before: this.#before, peak: this.#peak, samples: this.#samples };
  }

  #sample(): void {
    if (this.#sampling === 'withoutGarbage') collect();
    this.#peak = Math.max(this.#peak, heapSize());
    this.#samples++;
  }
}

function collect(): void {
  if (globalThis.gc === undefined)
    throw new Error('Garbage collection on demand is not available: start Node with --expose-gc.');
  globalThis.gc();
}

/** The size of V8's heap and of the external memory, in bytes. Node's `external` includes array buffers. */
function heapSize(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
