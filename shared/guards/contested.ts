import type { Clock } from '../clock.ts';
import type { Departure, DriftRow } from '../drift/index.ts';
import type { Guard, Review } from './guard.ts';
import type { GuardStore } from './guard-store.ts';

/** Set back so many times within so long, a property is contested and left alone for so long. In milliseconds. */
const timesSetBack = 5;
const within = 10 * 60_000;
const standDown = 60 * 60_000;

/**
 * Stands down where somebody keeps changing the same property back: writing against them for ever helps nobody, and the history shows
 * who is to be talked to. Knows nothing but the history, which all instances share and which outlasts them. Throws when storage does
 * not answer.
 */
export function contestedGuard({ store, clock }: { readonly store: GuardStore; readonly clock: Clock }): Guard {
  return {
    async review(review) {
      const now = clock.now().getTime();
      const contested = [...lastSetBacks(review)].filter(([, times]) => isStandingDown(times, now));
      if (contested.length === 0) return new Map();

      const policies = [...new Set(contested.map(([{ policy }]) => policy))];
      const releases = new Map(
        await Promise.all(
          policies.map(async (policy) => [policy, (await store.releasedAt(policy))?.getTime() ?? 0] as const),
        ),
      );
      const held = new Map<Departure, string>();
      for (const [departure, times] of contested) {
        const released = releases.get(departure.policy) ?? 0;
        const last = lastContestedTime(times.filter((time) => time > released));
        if (last !== undefined) held.set(departure, reasonFor(departure.policy, last));
      }
      return held;
    },
  };
}

/** For each departure that is to be mended, when its property was set back before, oldest first. */
function lastSetBacks({ departures, rows }: Review): ReadonlyMap<Departure, readonly number[]> {
  const place = ({ moduleId, policy, path }: Departure) => JSON.stringify([moduleId, policy, path]);
  const byPlace = Map.groupBy(
    rows.filter(({ outcome }: DriftRow) => outcome === 'enforced'),
    place,
  );
  return new Map(
    departures.map((departure) => {
      const times = (byPlace.get(place(departure)) ?? []).map(({ outcomeAt }) => Date.parse(outcomeAt));
      return [departure, times.sort((a, b) => a - b)] as const;
    }),
  );
}

function isStandingDown(times: readonly number[], now: number): boolean {
  const last = lastContestedTime(times);
  return last !== undefined && now < last + standDown;
}

/**
 * The last of the latest five times within ten minutes, or `undefined` where there were never five. Times are milliseconds, oldest
 * first.
 */
export function lastContestedTime(times: readonly number[]): number | undefined {
  return times.findLast((time, index) => {
    const first = times[index - timesSetBack + 1];
    return first !== undefined && time - first <= within;
  });
}

/** Stays the same for as long as it holds, or every look would write the row anew. */
function reasonFor(policy: string, last: number): string {
  return (
    `contested: somebody keeps changing it back, ${timesSetBack} times within ${within / 60_000} minutes; it is left alone until ` +
    `${new Date(last + standDown).toISOString()}, or until "twinkeeper release ${policy}"`
  );
}
