import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import type { Log } from '../log.ts';
import { formatPath, obstacleOn, parsePath } from '../twin/index.ts';
import { cached } from './cached.ts';
import type { Guard, Review } from './guard.ts';
import type { GuardStore } from './guard-store.ts';

/** Maximum number of values that a policy may overwrite in an hour. Either a number, or a share of the policy's devices (0.2 is 20 %). */
export type OverwriteLimit =
  | { readonly type: 'count'; readonly count: number }
  | { readonly type: 'share'; readonly share: number };

export interface BlastRadiusDependencies {
  readonly store: GuardStore;
  readonly limit: OverwriteLimit;
  /** The number of devices in the hub. `undefined` when the number is unknown. Used until a sweep has counted the devices of a policy. */
  readonly countDevices: () => Promise<number | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds for which the device count of the hub is cached. A read of the count costs a call of the hub. */
const hubCountLifetime = 15 * 60_000;
/** Milliseconds for which the stored device count of a policy is cached. */
const storedCountLifetime = 60_000;

/**
 * Creates the blast-radius guard. The guard limits how many values each policy overwrites or removes within an hour, in all instances of
 * the app together. A wrong policy then harms only a part of the fleet. The creation of missing values is not limited.
 *
 * An overwrite is counted when the guard allows it. A pass that starts a new round counts its overwrites again. The count may therefore be
 * too high, but never too low. `review` throws when storage does not answer.
 */
export function blastRadiusGuard({ store, limit, countDevices, clock, log }: BlastRadiusDependencies): Guard {
  const hubCount = cached(() => countDevices().catch(() => undefined), hubCountLifetime, clock);
  const storedCounts = new Map<string, () => Promise<number | undefined>>();
  /** Policies that have reached their limit, and for which the log holds a warning already. */
  const loggedPolicies = new Set<string>();

  /**
   * Maximum number of values that the policy may overwrite in an hour. `undefined` when the limit is a share of the devices, and the number
   * of devices is unknown.
   */
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

  /** Logs a warning when a policy reaches its limit. Logs no further warning until the policy may overwrite values again. */
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
        // When the limit is unknown, the guard uses 0. Then only a release of the policy allows overwrites.
        const granted = await store.reserveOverwrites(policy, wanted.length, allowed ?? 0);
        const reason = allowed === undefined ? unknownSizeReason(policy) : exhaustedReason(policy);
        for (const { departures } of wanted.slice(granted)) for (const each of departures) held.set(each, reason);
        logLimit(policy, granted < wanted.length, reason);
      }
      return held;
    },
  };
}

/**
 * The number of overwrites an hour for a share of a number of devices, rounded up. At least 1, so that a very small fleet can be repaired.
 */
export function overwritesAnHour(share: number, devices: number): number {
  // In floating point, 0.07 × 100 is slightly more than 7.
  return Math.max(1, Math.ceil(share * devices - 1e-6));
}

/** One value that a repair would overwrite or remove, and the departures from one policy that the overwrite repairs. */
interface Overwrite {
  readonly departures: readonly [Departure, ...Departure[]];
}

/**
 * The overwrites that a repair of these departures needs. When a plain value is in the place of an object of properties, the value counts
 * as one overwrite, and not as one for each property.
 */
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

/** The reason in the history row has no numbers and no times. If the reason changed, each sweep would write the row again. */
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
