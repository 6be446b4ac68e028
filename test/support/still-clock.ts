import type { Clock } from '../../shared/clock.ts';

/** A clock that only moves when a test moves it. `sleep` returns at once, and does not move the clock. */
export class StillClock implements Clock {
  #time: number;

  constructor(start = '2026-01-01T00:00:00Z') {
    this.#time = Date.parse(start);
  }

  now(): Date {
    return new Date(this.#time);
  }

  /** Moves the clock forward by one millisecond. Returns the time in milliseconds since 1970. */
  tick(): number {
    this.pass(1);
    return this.#time;
  }

  sleep(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Moves the clock forward by a number of milliseconds. */
  pass(milliseconds: number): void {
    this.#time += milliseconds;
  }
}
