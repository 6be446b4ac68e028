import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import type { Log } from '../log.ts';
import { formatPath, obstacleOn, parsePath } from '../twin/index.ts';
import { cached } from './cached.ts';
import type { Guard, Review } from './guard.ts';
import type { GuardStore } from './guard-store.ts';

/** How many values a policy may overwrite in an hour: so many, or a part of the number of its devices (0.2 is 20 %). */
export type OverwriteLimit =
  | { readonly type: 'count'; readonly count: number }
  | { readonly type: 'share'; readonly share: number };

export interface BlastRadiusDependencies {
  readonly store: GuardStore;
  readonly limit: OverwriteLimit;
  /** How many devices the hub has, for as long as no sweep has counted those of a policy; `undefined` when it cannot say. */
  readonly countDevices: () => Promise<number | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Asking the hub costs a call; what a sweep has counted costs a read of storage. In milliseconds. */
const hubCountTime = 15 * 60_000;
const storedCountTime = 60_000;

/**
 * Limits how many values a policy overwrites or removes in an hour, over all instances, so that a wrong policy or a wrong bulk change
 * harms a part of the fleet and not the whole of it. What only adds what is missing is free. What it lets through is counted there and
 * then: a pass that starts over or is delivered again counts again, which errs on the safe side. Throws when storage does not answer.
 */
export function blastRadiusGuard({ store, limit, countDevices, clock, log }: BlastRadiusDependencies): Guard {
  const hubCount = cached(() => countDevices().catch(() => undefined), hubCountTime, clock);
  const storedCounts = new Map<string, () => Promise<number | undefined>>();
  /** Policies whose reaching the limit is in the log. */
  const announced = new Set<string>();

  /** Overwrites an hour; `undefined` where it is a part of something unknown. */
  async function limitOf(policy: string): Promise<number | undefined> {
    if (limit.type === 'count') return limit.count;
    let stored = storedCounts.get(policy);
    if (stored === undefined) {
      stored = cached(() => store.deviceCount(policy), storedCountTime, clock);
      storedCounts.set(policy, stored);
    }
    const devices = (await stored()) ?? (await hubCount());
    return devices === undefined ? undefined : overwritesAnHour(limit.share, devices);
  }

  function announce(policy: string, isHeld: boolean, reason: string): void {
    if (!isHeld) announced.delete(policy);
    else if (!announced.has(policy)) {
      announced.add(policy);
      log.warn(`Policy ${policy} holds back overwrites. ${reason}`);
    }
  }

  return {
    async review(review) {
      const held = new Map<Departure, string>();
      const byPolicy = Map.groupBy(overwrites(review), ({ departures: [first] }) => first.policy);
      for (const [policy, wanted] of byPolicy) {
        const allowed = await limitOf(policy);
        // With no limit known nothing goes through but what a release lets go, which asks for no limit.
        const granted = await store.reserveOverwrites(policy, wanted.length, allowed ?? 0);
        const reason = allowed === undefined ? unknownSize(policy) : exhausted(policy);
        for (const { departures } of wanted.slice(granted)) for (const each of departures) held.set(each, reason);
        announce(policy, granted < wanted.length, reason);
      }
      return held;
    },
  };
}

/** A share of so many devices: rounded up, and never less than one, or a small fleet could not be mended at all. */
export function overwritesAnHour(share: number, devices: number): number {
  // 0.07 × 100 is a little more than 7 to a computer.
  return Math.max(1, Math.ceil(share * devices - 1e-6));
}

/** A value that would be overwritten or removed, and the departures that this mends, all of one policy. */
interface Overwrite {
  readonly departures: readonly [Departure, ...Departure[]];
}

/** Something in the place of a section is one value, however many properties that section is to hold. */
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

/** These stay the same from one look to the next, or every look would write the rows anew. */
function exhausted(policy: string): string {
  return (
    'blastRadius: the policy has overwritten as many values within an hour as TWINKEEPER_MAX_OVERWRITES_PER_HOUR allows; ' +
    `it goes on as time passes, or at once with "twinkeeper release ${policy}"`
  );
}

function unknownSize(policy: string): string {
  return (
    "blastRadius: TWINKEEPER_MAX_OVERWRITES_PER_HOUR is a percentage of the policy's devices, and nobody has been able to count " +
    `them yet; it goes on with the next sweep, or at once with "twinkeeper release ${policy}"`
  );
}
