import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import {
  type BlastRadius,
  type CompetingSetting,
  createGuards,
  type GuardStore,
  overwrittenTwins,
} from '../guards/index.ts';
import type { Twin } from '../twin/index.ts';
import type { BlastRadiusForecast } from './result.ts';

/** The latest time that a date can have. */
const lastTime = new Date(8.64e15);

export interface ForecastGuardDependencies {
  readonly competing: readonly CompetingSetting[];
  readonly limit: BlastRadius;
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
  readonly #twins = new Map<string, BlastRadiusForecast>();
  /** The limit of each policy, in twins an hour. */
  readonly #limits = new Map<string, number>();
  /** Number of twins that were granted to each policy. */
  readonly #granted = new Map<string, number>();

  constructor({ competing, limit, deviceCount, clock }: ForecastGuardDependencies) {
    const hasRoom = (policy: string, perHour: number) => {
      this.#limits.set(policy, perHour);
      return (this.#granted.get(policy) ?? 0) < perHour;
    };
    const store: GuardStore = {
      reserveTwin: async (policy, _twin, perHour) => {
        if (!hasRoom(policy, perHour)) return false;
        this.#granted.set(policy, (this.#granted.get(policy) ?? 0) + 1);
        return true;
      },
      hasRoomFor: async (policy, _twin, perHour) => hasRoom(policy, perHour),
      roomFor: async (policy, perHour) => Math.max(0, perHour - (this.#granted.get(policy) ?? 0)),
      removeExpired: async () => ({ isUnfinished: false }),
      deviceCount: async (policy) => deviceCount(policy),
      competing: async () => competing,
      releasedAt: async () => undefined,
      releasedUntil: async () => undefined,
      release: async () => clock.now(),
      putDeviceCount: async () => {},
      putFleetCount: async () => {},
      fleetCount: async () => undefined,
      putCompeting: async () => {},
      // The forecast has just read the configurations, so each configuration that competes is in `competing`.
      configurationsReadAt: async () => lastTime,
    };
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    this.#guard = createGuards({
      store,
      limit,
      overridesConfigurations: () => false,
      countDevices: async () => undefined,
      clock,
      log,
    });
  }

  /**
   * Returns the departures of a twin that a sweep would not repair, because an automatic configuration competes with the policy. Departures
   * that only the blast radius holds back are not returned: {@link blastRadius} counts their twins.
   */
  async review(twin: Twin, departures: readonly Departure[]): Promise<ReadonlySet<Departure>> {
    if (departures.length === 0) return new Set();
    const twins = new Map([[twin.moduleId, twin]]);
    const held = await this.#guard.review({ departures, twins, rows: [] });
    const competing = new Set(
      [...held].filter(([, reason]) => reason.startsWith('competingConfiguration')).map(([departure]) => departure),
    );
    const repaired = departures.filter((departure) => !competing.has(departure));
    const isHeld = repaired.some((departure) => held.has(departure));
    for (const { policies } of overwrittenTwins({ departures: repaired, twins })) {
      for (const policy of policies) this.#count(policy, isHeld);
    }
    return competing;
  }

  /** Returns the twins of a policy that count against its blast radius so far. Returns `undefined` where there is none. */
  blastRadius(policy: string): BlastRadiusForecast | undefined {
    return this.#twins.get(policy);
  }

  #count(policy: string, isHeld: boolean): void {
    const { twins, heldBack } = this.#twins.get(policy) ?? { twins: 0, heldBack: 0 };
    const perHour = this.#limits.get(policy) ?? 0;
    this.#twins.set(policy, { twins: twins + 1, perHour, heldBack: heldBack + (isHeld ? 1 : 0) });
  }
}
