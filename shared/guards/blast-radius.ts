import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import type { Log } from '../log.ts';
import { cached } from './cached.ts';
import type { TwinIds } from './counted-twins.ts';
import type { Guard, Review } from './guard.ts';
import type { GuardStore } from './guard-store.ts';
import { readReleased, releaseText } from './held-row.ts';
import { overwritesSomething } from './overwrites-something.ts';

/** Maximum number of twins in which a policy may overwrite or remove something in an hour. A number, or a share of the policy's devices. */
export type BlastRadius =
  | { readonly type: 'count'; readonly count: number }
  /** 0.2 is 20 % of the devices. */
  | { readonly type: 'share'; readonly share: number };

export interface BlastRadiusDependencies {
  readonly store: GuardStore;
  readonly limit: BlastRadius;
  /** The number of devices in the hub. `undefined` when the number is unknown. Used until a sweep has counted the devices of a policy. */
  readonly countDevices: () => Promise<number | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The first word of each reason for which this guard holds a repair back. */
const reasonPrefix = 'blastRadius:';
/** Milliseconds for which the device count of the hub is cached. A read of the count costs a call of the hub. */
const hubCountLifetime = 15 * 60_000;
/** Milliseconds for which the stored device count of a policy is cached. */
const storedCountLifetime = 60_000;

/**
 * Creates the blast-radius guard. The guard limits the number of twins in which each policy overwrites or removes something within an hour,
 * in all instances of the app together. A wrong policy then harms only a part of the fleet. The creation of missing modules and properties
 * is not limited.
 *
 * A twin is repaired whole or not at all. When one policy has no room for the twin, the guard holds all repairs of the twin back, also those
 * of other policies.
 *
 * A twin is counted when the guard allows the repair. The twin counts once for each policy, for an hour after its last repair. `review`
 * throws when storage does not answer.
 */
export function blastRadiusGuard({ store, limit, countDevices, clock, log }: BlastRadiusDependencies): Guard {
  const hubCount = cached(() => countDevices().catch(() => undefined), hubCountLifetime, clock);
  const storedCounts = new Map<string, () => Promise<number | undefined>>();
  /** Policies that have reached their limit, and for which the log holds a warning already. */
  const loggedPolicies = new Set<string>();

  /**
   * Maximum number of twins that the policy may change in an hour. `undefined` when the limit is a share of the devices, and the number of
   * devices is unknown.
   */
  async function limitOf(policy: string): Promise<number | undefined> {
    if (limit.type === 'count') return limit.count;
    let storedCount = storedCounts.get(policy);
    if (storedCount === undefined) {
      storedCount = cached(() => store.deviceCount(policy), storedCountLifetime, clock);
      storedCounts.set(policy, storedCount);
    }
    const devices = (await storedCount()) ?? (await hubCount());
    return devices === undefined ? undefined : twinsAnHour(limit.share, devices);
  }

  /** Logs a warning when a policy reaches its limit. Logs no further warning until the policy may change a twin again. */
  function logLimit(policy: string, isHeld: boolean, reason: string): void {
    if (!isHeld) loggedPolicies.delete(policy);
    else if (!loggedPolicies.has(policy)) {
      loggedPolicies.add(policy);
      log.warn(`Policy ${policy} leaves twins as they are. ${reason}`);
    }
  }

  async function claimOf(policy: string) {
    const allowed = await limitOf(policy);
    // When the limit is unknown, the guard uses 0. Then only a release of the policy allows a change.
    return allowed === undefined
      ? { policy, allowed: 0, refusal: unknownSizeReason(policy) }
      : { policy, allowed, refusal: exhaustedReason(policy) };
  }

  /** Reserves the twin for all the policies. Returns the reason when one policy has no room for the twin. */
  async function reserve(twin: TwinIds, policies: readonly string[]): Promise<string | undefined> {
    const claims = await Promise.all(policies.map(claimOf));
    if (claims.length > 1) {
      // First check whether all policies have room. Otherwise one policy could count the twin while another policy refuses it.
      const rooms = await Promise.all(claims.map(({ policy, allowed }) => store.hasRoomFor(policy, twin, allowed)));
      const full = claims.find((_, index) => rooms[index] === false);
      if (full !== undefined) {
        logLimit(full.policy, true, full.refusal);
        return full.refusal;
      }
    }
    for (const { policy, allowed, refusal } of claims) {
      const isGranted = await store.reserveTwin(policy, twin, allowed);
      logLimit(policy, !isGranted, refusal);
      if (!isGranted) return refusal;
    }
    return undefined;
  }

  return {
    async review(review) {
      const held = new Map<Departure, string>();
      await Promise.all(
        overwrittenTwins(review).map(async ({ twin, policies }) => {
          const reason = await reserve(twin, policies);
          if (reason === undefined) return;
          for (const each of review.departures) if (each.moduleId === twin.moduleId) held.set(each, reason);
        }),
      );
      return held;
    },

    async stillHeld(rows) {
      const limited = rows.filter(({ error }) => error?.startsWith(reasonPrefix));
      // When one policy has no room, the whole twin is held back, also the rows of other policies. The reason names the policy that has no
      // room.
      const byPolicy = Map.groupBy(limited, ({ policy, error = '' }) => readReleased(error) ?? policy);
      const held = await Promise.all(
        [...byPolicy].map(async ([policy, policyRows]) => {
          const room = await store.roomFor(policy, (await limitOf(policy)) ?? 0);
          const byTwin = Map.groupBy(policyRows, ({ deviceId, moduleId }) => `${moduleId}\n${deviceId}`);
          return [...byTwin.values()].slice(room).flat();
        }),
      );
      return new Set(held.flat());
    },
  };
}

/** The number of twins an hour for a share of a number of devices, rounded up. At least 1, so that a very small fleet can be repaired. */
export function twinsAnHour(share: number, devices: number): number {
  // In floating point, 0.07 × 100 is slightly more than 7.
  return Math.max(1, Math.ceil(share * devices - 1e-6));
}

/** A twin in which a repair overwrites or removes something, and the names of the policies that do so. */
interface OverwrittenTwin {
  readonly twin: TwinIds;
  readonly policies: readonly string[];
}

/** The twins of a device in which the repair of these departures overwrites or removes something. The policies of a twin are sorted. */
export function overwrittenTwins({
  departures,
  twins,
}: Pick<Review, 'departures' | 'twins'>): readonly OverwrittenTwin[] {
  const overwriting = departures.filter((departure) => overwritesSomething(departure, twins.get(departure.moduleId)));
  return [...Map.groupBy(overwriting, ({ moduleId }) => moduleId)].map(([moduleId, [first, ...rest]]) => ({
    twin: { deviceId: first?.deviceId ?? '', moduleId },
    policies: [...new Set([first, ...rest].flatMap((each) => each?.policy ?? []))].sort(),
  }));
}

/** The reason in the history row has no numbers and no times. If the reason changed, each sweep would write the row again. */
function exhaustedReason(policy: string): string {
  return (
    `${reasonPrefix} policy ${policy} has changed as many twins within an hour as TWINKEEPER_BLAST_RADIUS allows. ` +
    `A twin is repaired whole or not at all. The policy continues as the hour passes. To continue at once, ${releaseText(policy)}.`
  );
}

function unknownSizeReason(policy: string): string {
  return (
    `${reasonPrefix} TWINKEEPER_BLAST_RADIUS is a percentage of the devices of policy ${policy}, and their count is not known yet. ` +
    `The policy continues after the next sweep. To continue at once, ${releaseText(policy)}.`
  );
}
