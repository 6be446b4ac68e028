import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import type { CompetingSetting, GuardStore } from '../guards/index.ts';
import { createGuards, type OverwriteLimit } from '../guards/index.ts';
import type { Twin } from '../twin/index.ts';
import type { OverwriteForecast } from './result.ts';

export interface ForecastGuardDependencies {
  readonly competing: readonly CompetingSetting[];
  readonly limit: OverwriteLimit;
  /** Returns the number of devices in the policy's scope. */
  readonly deviceCount: (policy: string) => number;
  readonly clock: Clock;
}

/**
 * Runs the app's guards with a store in memory. The store starts empty, so the forecast assumes that Twinkeeper overwrote nothing in the
 * last hour.
 */
export class ForecastGuard {
  readonly #guard;
  readonly #overwrites = new Map<string, OverwriteForecast>();

  constructor({ competing, limit, deviceCount, clock }: ForecastGuardDependencies) {
    const store: GuardStore = {
      reserveOverwrites: async (policy, count, perHour) => {
        const before = this.#overwrites.get(policy) ?? { count: 0, perHour, heldBack: 0 };
        const granted = Math.max(0, Math.min(count, perHour - before.count + before.heldBack));
        this.#overwrites.set(policy, {
          count: before.count + count,
          perHour,
          heldBack: before.heldBack + count - granted,
        });
        return granted;
      },
      deviceCount: async (policy) => deviceCount(policy),
      competing: async () => competing,
      releasedAt: async () => undefined,
      release: async () => clock.now(),
      putDeviceCount: async () => {},
      putCompeting: async () => {},
    };
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    this.#guard = createGuards({ store, limit, countDevices: async () => undefined, clock, log });
  }

  /**
   * Returns the departures of a twin that a sweep would not repair, because an automatic configuration competes with the policy. Departures
   * that only the blast-radius limit holds back are not returned: {@link overwrites} counts them.
   */
  async review(twin: Twin, departures: readonly Departure[]): Promise<ReadonlySet<Departure>> {
    if (departures.length === 0) return new Set();
    const held = await this.#guard.review({ departures, twins: new Map([[twin.moduleId, twin]]), rows: [] });
    return new Set(
      [...held].filter(([, reason]) => reason.startsWith('competingConfiguration')).map(([departure]) => departure),
    );
  }

  /**
   * Returns the overwrites of a policy that were planned so far, compared with the policy's blast-radius limit. Returns `undefined` where
   * no overwrite was planned.
   */
  overwrites(policy: string): OverwriteForecast | undefined {
    return this.#overwrites.get(policy);
  }
}
