import type { Clock } from '../../shared/clock.ts';
import type { SweepMessage, SweepQueue } from '../../shared/sweep/index.ts';

/**
 * The sweep's queue in memory, with its trigger: hands out so many messages at once, and delays them by a clock that may run faster than
 * the machine's, by which a queue service would delay them.
 */
export class MemoryQueue implements SweepQueue {
  readonly #clock: Clock;
  readonly #atOnce: number;
  readonly #waiting: SweepMessage[] = [];
  #handle: ((message: unknown) => Promise<void>) | undefined;
  #running = 0;
  #delayed = 0;
  readonly #idle = Promise.withResolvers<void>();

  constructor(clock: Clock, atOnce: number) {
    this.#clock = clock;
    this.#atOnce = atOnce;
  }

  /** Begins to hand out messages, those that wait already first. */
  serve(handle: (message: unknown) => Promise<void>): void {
    this.#handle = handle;
    this.#next();
  }

  async put(message: SweepMessage, delay = 0): Promise<void> {
    if (delay <= 0) return this.#add(message);
    this.#delayed += 1;
    void this.#clock.sleep(delay * 1000).then(() => {
      this.#delayed -= 1;
      this.#add(message);
    });
  }

  /** Resolves when something has been handled and nothing is waiting, delayed or being handled; rejects as soon as a message fails. */
  idle(): Promise<void> {
    return this.#idle.promise;
  }

  #add(message: SweepMessage): void {
    this.#waiting.push(message);
    this.#next();
  }

  #next(): void {
    while (this.#handle !== undefined && this.#running < this.#atOnce) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      this.#running += 1;
      // As a message of the queue: text that was parsed.
      void this.#handle(JSON.parse(JSON.stringify({ v: 1, ...message }))).then(
        () => {
          this.#running -= 1;
          this.#next();
          if (this.#running === 0 && this.#waiting.length === 0 && this.#delayed === 0) this.#idle.resolve();
        },
        (error: unknown) => this.#idle.reject(error),
      );
    }
  }
}
