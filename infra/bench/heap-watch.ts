/** Whether each sample includes garbage, or collects all garbage first. */
export type Sampling = 'withGarbage' | 'withoutGarbage';

/** Heap sizes in bytes, with the buffers that objects hold. */
export interface HeapPeak {
  /** Size at the start, after garbage collection. */
  readonly before: number;
  readonly peak: number;
  /** Number of samples. */
  readonly samples: number;
}

/** Milliseconds between two samples. A garbage collection takes about 20 ms. */
const intervals: Readonly<Record<Sampling, number>> = { withGarbage: 2, withoutGarbage: 100 };

/** Samples this process's heap size and keeps the peak. Needs `--expose-gc`. */
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

  /** Takes a last sample and stops. */
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

/** Heap and external memory in bytes. Node's `external` includes array buffers. */
function heapSize(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
