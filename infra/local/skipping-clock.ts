import { type Clock, systemClock } from '../../shared/clock.ts';

/**
 * A clock that skips sleeps: `sleep` moves the time forward and returns at once. Use it in one process, for the hub and its client, to
 * measure how long a client would wait that makes one call after the other. The sleeps of concurrent callers add up, so for them the clock
 * shows more time than would have passed.
 */
export class SkippingClock implements Clock {
  readonly #base: Clock;
  #skipped = 0;

  constructor(base: Clock = systemClock) {
    this.#base = base;
  }

  /** The sum of all sleeps, in milliseconds. */
  get skipped(): number {
    return this.#skipped;
  }

  now(): Date {
    return new Date(this.#base.now().getTime() + this.#skipped);
  }

  async sleep(milliseconds: number): Promise<void> {
    this.#skipped += Math.max(0, milliseconds);
    // Other work gets a turn, also when a caller sleeps in a loop until something happens.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
