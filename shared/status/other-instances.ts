import type { InstanceUse } from './status-store.ts';
import { dayOf } from './usage.ts';

/** What the other instances of the app do, as far as this process knows. */
export interface Others {
  /** Number of other instances that call the hub now. */
  readonly count: number;
  /** The messages that all other instances took from the hub's quota today, also those that have ended. */
  readonly messages: number;
}

export interface OtherInstancesOptions {
  /** The name of this process. */
  readonly instance: string;
  /** Reads what each process has stored today. */
  readonly list: () => Promise<readonly InstanceUse[]>;
  readonly now: () => Date;
}

/** Milliseconds after which the stored use is read again. */
const readInterval = 20_000;

/** An instance that calls the hub stores its use each minute. After this time without one, it is not counted. In milliseconds. */
const alive = 150_000;

/**
 * Watches the other instances of the app through what they store. The instances that call the hub divide the app's share of its throttles, and
 * all instances together keep to the share of its message quota.
 */
export class OtherInstances {
  readonly #options: OtherInstancesOptions;
  #uses: readonly InstanceUse[] = [];
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(options: OtherInstancesOptions) {
    this.#options = options;
  }

  /** What is known now. Starts a read in the background when the last one is too old. A read that fails leaves what is known. */
  current(): Others {
    const now = this.#options.now();
    // The clock can be set back: a time in the future is too old as well.
    if (Math.abs(now.getTime() - this.#readAt) >= readInterval) {
      this.#readAt = now.getTime();
      void this.read().catch(() => {});
    }
    const others = this.#uses.filter(({ instance }) => instance !== this.#options.instance);
    return {
      count: new Set(others.filter(({ at }) => now.getTime() - Date.parse(at) < alive).map(({ instance }) => instance))
        .size,
      messages: others.reduce((sum, { day, messages }) => sum + (day === dayOf(now) ? messages : 0), 0),
    };
  }

  /** Reads what the instances have stored. Rejects with the error of the storage service. */
  async read(): Promise<void> {
    this.#uses = await this.#options.list();
  }
}
