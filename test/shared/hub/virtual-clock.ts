import type { Clock } from '../../../shared/clock.ts';

/** A clock for tests. Its time moves forward only during {@link VirtualClock.pass}, which ends the sleeps one after the other. */
export class VirtualClock implements Clock {
  /** The running sleeps, in the order in which they end. `at` is the end of the sleep in milliseconds. */
  readonly #sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  #time = 0;

  /** Number of sleeps that have been started so far. */
  sleeps = 0;

  now(): Date {
    return new Date(this.#time);
  }

  get time(): number {
    return this.#time;
  }

  /** Sets the time without ending any sleep, as when an administrator changes the clock of a computer. */
  set(milliseconds: number): void {
    this.#time = milliseconds;
  }

  sleep(milliseconds: number): Promise<void> {
    this.sleeps += 1;
    return new Promise((wake) => {
      const at = this.#time + Math.ceil(Math.max(0, milliseconds));
      const position = this.#sleepers.findLastIndex((other) => other.at <= at) + 1;
      this.#sleepers.splice(position, 0, { at, wake });
    });
  }

  /** Moves the time forward by this number of milliseconds, and ends every sleep that is due in that time. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#time + milliseconds;
    await settled();
    for (let next = this.#sleepers[0]; next !== undefined && next.at <= end; next = this.#sleepers[0]) {
      this.#sleepers.shift();
      this.#time = Math.max(this.#time, next.at);
      next.wake();
      await settled();
    }
    this.#time = end;
  }
}

/** Resolves after all pending work that does not wait for the clock. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
