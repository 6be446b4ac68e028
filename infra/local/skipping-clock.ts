import { type Clock, systemClock } from '../../shared/clock.ts';

/**
 * A clock that nobody waits by: sleeping moves it on. What is not slept takes as long as it takes. For measuring in one process, with
 * the same clock for hub and client, what one client that does one thing after the other would wait for. Where several sleep at once
 * their sleeps add up, and the clock says more than would have passed.
 */
export class SkippingClock implements Clock {
  readonly #base: Clock;
  #skipped = 0;

  constructor(base: Clock = systemClock) {
    this.#base = base;
  }

  /** How many milliseconds were slept in all. */
  get skipped(): number {
    return this.#skipped;
  }

  now(): Date {
    return new Date(this.#base.now().getTime() + this.#skipped);
  }

  async sleep(milliseconds: number): Promise<void> {
    this.#skipped += Math.max(0, milliseconds);
    // Nothing else would get a turn where somebody sleeps again and again until something has happened.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
