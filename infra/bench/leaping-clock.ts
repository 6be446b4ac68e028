import { channel } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { performance } from 'node:perf_hooks';
import { type Clock, systemClock } from '../../shared/clock.ts';

/** Milliseconds of real time. The process counts as idle when the event loop did almost no work for this time. */
const idleMs = 4;

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/**
 * A clock that skips idle waiting. While the process works, the clock runs in real time. When the process is idle and only waits for
 * sleeps, the clock jumps ahead to the end of the shortest sleep.
 *
 * All code that sleeps on this clock must run in this process, such as a hub and its client. Open plain HTTP requests to other processes,
 * such as a storage emulator, count as work. A jump can come too early. The measured time is then too long, and never too short.
 */
export class LeapingClock implements Clock {
  readonly #base: Clock;
  readonly #sleepers = new Set<Sleeper>();
  /** The sum of all jumps, in milliseconds. */
  #leaptMs = 0;
  #openRequests = 0;
  #watching = false;

  constructor(base: Clock = systemClock) {
    this.#base = base;
  }

  now(): Date {
    return new Date(this.#base.now().getTime() + this.#leaptMs);
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.add({ until: this.now().getTime() + milliseconds, wake });
      if (!this.#watching) void this.#watch();
    });
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    const requests = channel('http.client.request.start');
    requests.subscribe(this.#onRequest);
    while (this.#sleepers.size > 0) {
      const before = performance.eventLoopUtilization();
      await this.#base.sleep(idleMs);
      const { active } = performance.eventLoopUtilization(before);
      const first = Math.min(...[...this.#sleepers].map(({ until }) => until));
      if (this.#openRequests === 0 && active < idleMs / 4) this.#leaptMs += Math.max(0, first - this.now().getTime());
      const now = this.now().getTime();
      for (const sleeper of this.#sleepers) {
        if (sleeper.until > now) continue;
        this.#sleepers.delete(sleeper);
        sleeper.wake();
      }
    }
    requests.unsubscribe(this.#onRequest);
    this.#watching = false;
  }

  readonly #onRequest = (message: unknown): void => {
    const { request } = message as { readonly request: ClientRequest };
    if (request.protocol !== 'http:') return;
    this.#openRequests += 1;
    request.once('close', () => {
      this.#openRequests -= 1;
    });
  };
}
