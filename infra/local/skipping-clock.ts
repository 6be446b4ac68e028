import { type Clock, systemClock } from '../../shared/clock.ts';

/**
 * A clock that skips sleeps: `sleep` moves the clock forward and returns at once. The hub and its client must use it in the same process.
 * It then measures how long a client would wait that makes one call at a time. If several callers sleep at the same time, the clock adds
 * their sleeps, and shows more time than would really pass.
 */
export class SkippingClock implements Clock {
  readonly #base: Clock;
  #skipped = 0;

  constructor(base: Clock = systemClock) {
    this.#base = base;
  }

  /** The sum of all sleeps in milliseconds. */
  get skipped(): number {
    return this.#skipped;
  }

  now(): Date {
    return new Date(this.#base.now().getTime() + this.#skipped);
  }

  async sleep(milliseconds: number): Promise<void> {
    this.#skipped += Math.max(0, milliseconds);
    // Lets other work of the process run. A caller may sleep in a loop until that work has done something.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
