import type { Clock } from '../../../shared/clock.ts';

/** A clock for tests. Its time passes only in {@link VirtualClock.pass}, which wakes the sleepers one after the other. */
export class VirtualClock implements Clock {
  /** The sleepers in the order in which they wake. */
  readonly #sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  #time = 0;

  /** Number of sleeps that were started. */
  sleeps = 0;

  now(): Date {
    return new Date(this.#time);
  }

  get time(): number {
    return this.#time;
  }

  /** Sets the clock without waking sleepers, as an administrator can do. */
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

  /** Lets time pass, and runs all that happens in this time. */
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

/** Resolves after all work that needs no time to pass. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
