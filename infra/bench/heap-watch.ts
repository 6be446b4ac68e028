/** How a heap is looked at: as it is, garbage and all, or with all garbage collected before each look. */
export type Sampling = 'asItIs' | 'collected';

/** Bytes of JavaScript objects and of the buffers that they hold. */
export interface HeapPeak {
  readonly before: number;
  readonly peak: number;
  /** How often the heap was looked at. */
  readonly samples: number;
}

/** Milliseconds between two looks. To collect all garbage takes some twenty. */
const intervals: Readonly<Record<Sampling, number>> = { asItIs: 2, collected: 100 };

/** Watches how large this process's heap gets. Needs `--expose-gc`. */
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
    this.#timer = setInterval(() => this.#look(), intervals[sampling]);
  }

  /** Looks once more, and then no longer. */
  end(): HeapPeak {
    clearInterval(this.#timer);
    this.#look();
    return { before: this.#before, peak: this.#peak, samples: this.#samples };
  }

  #look(): void {
    if (this.#sampling === 'collected') collect();
    this.#peak = Math.max(this.#peak, heapSize());
    this.#samples++;
  }
}

function collect(): void {
  if (globalThis.gc === undefined) throw new Error('Garbage cannot be collected on demand: start with --expose-gc.');
  globalThis.gc();
}

/** Array buffers are a part of what Node calls external. */
function heapSize(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
