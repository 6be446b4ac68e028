import type { Clock } from '../../../shared/clock.ts';

/** A clock that goes only when it is told to, from one sleeper to the next. */
export class VirtualClock implements Clock {
  /** In the order in which they end. */
  readonly #sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  #time = 0;

  /** Sleeps that have been begun, to see who sleeps in small steps. */
  sleeps = 0;

  now(): Date {
    return new Date(this.#time);
  }

  get time(): number {
    return this.#time;
  }

  /** Sets the clock without anybody's waking, as an administrator would. */
  set(milliseconds: number): void {
    this.#time = milliseconds;
  }

  sleep(milliseconds: number): Promise<void> {
    this.sleeps += 1;
    return new Promise((wake) => {
      const at = this.#time + Math.ceil(Math.max(0, milliseconds));
      const place = this.#sleepers.findLastIndex((other) => other.at <= at) + 1;
      this.#sleepers.splice(place, 0, { at, wake });
    });
  }

  /** Lets so much time pass, and whatever comes of it happen. */
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

/** After all that can happen without time's passing. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
