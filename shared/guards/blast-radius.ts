import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import type { Log } from '../log.ts';
import { formatPath, obstacleOn, parsePath } from '../twin/index.ts';
import { cached } from './cached.ts';
import type { Guard, Review } from './guard.ts';
import type { GuardStore } from './guard-store.ts';

/** How many values a policy may overwrite in an hour: a number, or a share of the policy's devices (0.2 is 20 %). */
export type OverwriteLimit =
  | { readonly type: 'count'; readonly count: number }
  | { readonly type: 'share'; readonly share: number };

export interface BlastRadiusDependencies {
  readonly store: GuardStore;
  readonly limit: OverwriteLimit;
  /** The number of devices in the hub, or `undefined` when it is unknown. Used until a sweep has counted a policy's devices. */
  readonly countDevices: () => Promise<number | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds for which the hub's device count is cached. Reading it costs a hub call. */
const hubCountLifetime = 15 * 60_000;
/** Milliseconds for which a policy's stored device count is cached. */
const storedCountLifetime = 60_000;

/**
 * Limits how many values a policy overwrites or removes within an hour, across all instances. A wrong policy then harms only a part of
 * the fleet. Adding missing values is not limited.
 *
 * An allowed overwrite is counted at once. A pass that starts over counts again, so the count may be too high, and never too low.
 * `review` throws when storage does not answer.
 */
export function blastRadiusGuard({ store, limit, countDevices, clock, log }: BlastRadiusDependencies): Guard {
  const hubCount = cached(() => countDevices().catch(() => undefined), hubCountLifetime, clock);
  const storedCounts = new Map<string, () => Promise<number | undefined>>();
  /** Policies whose exhausted limit is already in the log. */
  const loggedPolicies = new Set<string>();

  /** The policy's overwrites per hour. `undefined` when the limit is a share and the number of devices is unknown. */
  async function limitOf(policy: string): Promise<number | undefined> {
    if (limit.type === 'count') return limit.count;
    let storedCount = storedCounts.get(policy);
    if (storedCount === undefined) {
      storedCount = cached(() => store.deviceCount(policy), storedCountLifetime, clock);
      storedCounts.set(policy, storedCount);
    }
    const devices = (await storedCount()) ?? (await hubCount());
    return devices === undefined ? undefined : overwritesAnHour(limit.share, devices);
  }

  /** Logs once that a policy reached its limit, until the policy has room again. */
  function logLimit(policy: string, isHeld: boolean, reason: string): void {
    if (!isHeld) loggedPolicies.delete(policy);
    else if (!loggedPolicies.has(policy)) {
      loggedPolicies.add(policy);
      log.warn(`Policy ${policy} holds overwrites back. ${reason}`);
    }
  }

  return {
    async review(review) {
      const held = new Map<Departure, string>();
      const byPolicy = Map.groupBy(overwrites(review), ({ departures: [first] }) => first.policy);
      for (const [policy, wanted] of byPolicy) {
        const allowed = await limitOf(policy);
        // An unknown limit counts as 0. Only a release then allows overwrites.
        const granted = await store.reserveOverwrites(policy, wanted.length, allowed ?? 0);
        const reason = allowed === undefined ? unknownSizeReason(policy) : exhaustedReason(policy);
        for (const { departures } of wanted.slice(granted)) for (const each of departures) held.set(each, reason);
        logLimit(policy, granted < wanted.length, reason);
      }
      return held;
    },
  };
}

/** A share of a number of devices, rounded up. At least 1, so that the smallest fleet can be mended. */
export function overwritesAnHour(share: number, devices: number): number {
  // Floating point makes 0.07 × 100 slightly more than 7.
  return Math.max(1, Math.ceil(share * devices - 1e-6));
}

/** One value that would be overwritten or removed, and the departures that the overwrite mends. All belong to one policy. */
interface Overwrite {
  readonly departures: readonly [Departure, ...Departure[]];
}

/** The overwrites that would mend these departures. A value that stands in place of a section is one overwrite for all its properties. */
export function overwrites({ departures, twins }: Pick<Review, 'departures' | 'twins'>): readonly Overwrite[] {
  const found: { departures: [Departure, ...Departure[]] }[] = [];
  const byObstacle = new Map<string, { departures: [Departure, ...Departure[]] }>();
  for (const departure of departures) {
    if (departure.kind === 'missingModule') continue;
    const overwrite: { departures: [Departure, ...Departure[]] } = { departures: [departure] };
    if (departure.actual === undefined) {
      const properties = twins.get(departure.moduleId)?.desired.properties ?? {};
      const obstacle = obstacleOn(properties, parsePath(departure.path));
      if (obstacle === undefined) continue;
      const key = JSON.stringify([departure.policy, departure.moduleId, formatPath(obstacle.path)]);
      const known = byObstacle.get(key);
      if (known !== undefined) {
        known.departures.push(departure);
        continue;
      }
      byObstacle.set(key, overwrite);
    }
    found.push(overwrite);
  }
  return found;
}

/** The text holds no numbers or times. A text that changes would make each sweep rewrite the row. */
function exhaustedReason(policy: string): string {
  return (
    'blastRadius: the policy has overwritten as many values within an hour as TWINKEEPER_MAX_OVERWRITES_PER_HOUR allows. ' +
    `It continues as the hour passes. To continue at once, run "twinkeeper release ${policy}".`
  );
}

function unknownSizeReason(policy: string): string {
  return (
    "blastRadius: TWINKEEPER_MAX_OVERWRITES_PER_HOUR is a percentage of the policy's devices, and their count is not known yet. " +
    `The policy continues after the next sweep. To continue at once, run "twinkeeper release ${policy}".`
  );
}
