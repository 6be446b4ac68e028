import type { Clock } from '../../shared/clock.ts';

/** The machine's clock, which a test can move forward. `sleep` returns at once, and does not move the clock. */
export class MovableClock implements Clock {
  #ahead = 0;

  now(): Date {
    return new Date(Date.now() + this.#ahead);
  }

  sleep(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Moves the clock forward by a number of milliseconds. */
  pass(milliseconds: number): void {
    this.#ahead += milliseconds;
  }
}
