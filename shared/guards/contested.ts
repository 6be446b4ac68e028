import type { Clock } from '../clock.ts';
import type { Departure, DriftRow } from '../drift/index.ts';
import type { Guard, Review } from './guard.ts';
import type { GuardStore } from './guard-store.ts';

/** Number of times that a property is enforced within {@link contestWindow} before it counts as contested. */
const enforcedLimit = 5;
/** In milliseconds. */
const contestWindow = 10 * 60_000;
/** Milliseconds for which a contested property is left alone, after it was last enforced. */
const standDownTime = 60 * 60_000;

/**
 * Holds a property back after somebody changed it back {@link enforcedLimit} times within ten minutes. Uses only the history, which all
 * instances share and which survives restarts. A release of the policy ends the stand-down. `review` throws when storage does not answer.
 */
export function contestedGuard({ store, clock }: { readonly store: GuardStore; readonly clock: Clock }): Guard {
  return {
    async review(review) {
      const now = clock.now().getTime();
      const contested = [...enforcedTimes(review)].filter(([, times]) => isStandingDown(times, now));
      if (contested.length === 0) return new Map();

      const policies = [...new Set(contested.map(([{ policy }]) => policy))];
      const releaseTimes = new Map(
        await Promise.all(
          policies.map(async (policy) => [policy, (await store.releasedAt(policy))?.getTime() ?? 0] as const),
        ),
      );
      const held = new Map<Departure, string>();
      for (const [departure, times] of contested) {
        const releasedAt = releaseTimes.get(departure.policy) ?? 0;
        const last = lastContestedTime(times.filter((time) => time > releasedAt));
        if (last !== undefined) held.set(departure, reasonFor(departure.policy, last));
      }
      return held;
    },
  };
}

/** For each departure, the times at which its property was enforced before. In milliseconds, oldest first. */
function enforcedTimes({ departures, rows }: Review): ReadonlyMap<Departure, readonly number[]> {
  const propertyKey = ({ moduleId, policy, path }: Departure) => JSON.stringify([moduleId, policy, path]);
  const byProperty = Map.groupBy(
    rows.filter(({ outcome }: DriftRow) => outcome === 'enforced'),
    propertyKey,
  );
  return new Map(
    departures.map((departure) => {
      const times = (byProperty.get(propertyKey(departure)) ?? []).map(({ outcomeAt }) => Date.parse(outcomeAt));
      return [departure, times.sort((a, b) => a - b)] as const;
    }),
  );
}

function isStandingDown(times: readonly number[], now: number): boolean {
  const last = lastContestedTime(times);
  return last !== undefined && now < last + standDownTime;
}

/**
 * The latest time that is the fifth within ten minutes. `undefined` when there is no such time. Times are milliseconds, oldest first.
 */
export function lastContestedTime(times: readonly number[]): number | undefined {
  return times.findLast((time, index) => {
    const first = times[index - enforcedLimit + 1];
    return first !== undefined && time - first <= contestWindow;
  });
}

/** The text stays the same during a stand-down. A text that changes would make each sweep rewrite the row. */
function reasonFor(policy: string, last: number): string {
  return (
    `contested: somebody changed this property back ${enforcedLimit} times within ${contestWindow / 60_000} minutes. It is left alone ` +
    `until ${new Date(last + standDownTime).toISOString()}. To enforce it at once, run "twinkeeper release ${policy}".`
  );
}
