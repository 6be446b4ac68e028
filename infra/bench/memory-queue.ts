import type { Clock } from '../../shared/clock.ts';
import type { SweepMessage, SweepQueue } from '../../shared/sweep/index.ts';

/**
 * The sweep's queue and its queue trigger, in memory. Handles at most `concurrency` messages at the same time. Delays of messages follow
 * the clock that the caller gives, so a bench with a fast clock need not wait.
 */
export class MemoryQueue implements SweepQueue {
  readonly #clock: Clock;
  readonly #concurrency: number;
  readonly #waiting: SweepMessage[] = [];
  #handle: ((message: unknown) => Promise<void>) | undefined;
  #running = 0;
  #delayed = 0;
  readonly #idle = Promise.withResolvers<void>();

  constructor(clock: Clock, concurrency: number) {
    this.#clock = clock;
    this.#concurrency = concurrency;
  }

  /** Starts to handle messages. Messages that are already in the queue come first. */
  serve(handle: (message: unknown) => Promise<void>): void {
    this.#handle = handle;
    this.#next();
  }

  /** Adds a message that the handler gets after `delay` seconds. */
  async put(message: SweepMessage, delay = 0): Promise<void> {
    if (delay <= 0) return this.#add(message);
    this.#delayed += 1;
    void this.#clock.sleep(delay * 1000).then(() => {
      this.#delayed -= 1;
      this.#add(message);
    });
  }

  /**
   * Resolves when at least one message was handled and no message is waiting, delayed or being handled. Rejects when the handler of a
   * message fails.
   */
  idle(): Promise<void> {
    return this.#idle.promise;
  }

  #add(message: SweepMessage): void {
    this.#waiting.push(message);
    this.#next();
  }

  #next(): void {
    while (this.#handle !== undefined && this.#running < this.#concurrency) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      this.#running += 1;
      // The handler gets a copy of the message that was parsed from JSON, as with a real queue.
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
