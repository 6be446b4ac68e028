import { channel } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { performance } from 'node:perf_hooks';
import { type Clock, systemClock } from '../../shared/clock.ts';

/** The event loop must have had nothing to do for so long, in milliseconds of real time, to be taken for asleep. */
const idleFor = 4;

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/**
 * A clock that runs with the machine's and leaps ahead, to when the first sleeper is to wake, whenever all that is left to do is wait for
 * it. So work takes as long as it takes, also where several work and sleep at once, and only waiting for nothing but time takes none.
 *
 * For one process with everything that sleeps in it, such as a hub and its client. What other processes are asked over plain HTTP, such as
 * a storage emulator, is work. Where it leaps too early it errs against whoever is measured: time has passed that need not have.
 */
export class LeapingClock implements Clock {
  readonly #base: Clock;
  readonly #sleepers = new Set<Sleeper>();
  #leapt = 0;
  #asked = 0;
  #watching = false;

  constructor(base: Clock = systemClock) {
    this.#base = base;
  }

  now(): Date {
    return new Date(this.#base.now().getTime() + this.#leapt);
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
      await this.#base.sleep(idleFor);
      const { active } = performance.eventLoopUtilization(before);
      const first = Math.min(...[...this.#sleepers].map(({ until }) => until));
      if (this.#asked === 0 && active < idleFor / 4) this.#leapt += Math.max(0, first - this.now().getTime());
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
    this.#asked += 1;
    request.once('close', () => {
      this.#asked -= 1;
    });
  };
}
