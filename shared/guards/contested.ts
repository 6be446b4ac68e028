import type { Clock } from '../clock.ts';
import type { Departure, DriftRow } from '../drift/index.ts';
import type { Guard, Review } from './guard.ts';
import type { GuardStore } from './guard-store.ts';
import { readUntil, releaseText, untilText } from './held-row.ts';

/** Number of enforcements of a property within {@link contestWindow} after which the property is contested. */
const enforcedLimit = 5;
/** Length of the time in which enforcements are counted, in milliseconds. */
const contestWindow = 10 * 60_000;
/** The first word of each reason. */
const reasonPrefix = 'contested:';
/** Milliseconds after the last enforcement for which Twinkeeper does not change a contested property. */
const standDownTime = 60 * 60_000;

/**
 * Creates the guard for contested properties. When somebody has changed a property back {@link enforcedLimit} times within ten minutes, the
 * guard holds repairs of the property back for an hour. The guard uses only the history, which all instances of the app share and which
 * survives a restart. A release of the policy ends the hour early. `review` throws when storage does not answer.
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

    async stillHeld(rows) {
      const now = clock.now().getTime();
      const contested = rows.filter(({ error }) => error?.startsWith(reasonPrefix) && now < (readUntil(error) ?? 0));
      const byPolicy = Map.groupBy(contested, ({ policy }) => policy);
      const held = await Promise.all(
        [...byPolicy].map(async ([policy, policyRows]) => {
          const releasedAt = (await store.releasedAt(policy))?.toISOString() ?? '';
          return policyRows.filter(({ outcomeAt }) => outcomeAt > releasedAt);
        }),
      );
      return new Set(held.flat());
    },
  };
}

/**
 * For each departure from a policy, the earlier times at which Twinkeeper enforced the property, in milliseconds since 1970, oldest first.
 */
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
 * The time of the latest enforcement that was the fifth within ten minutes. `undefined` when there is no such enforcement.
 *
 * @param times Times at which the property was enforced, in milliseconds since 1970, oldest first.
 */
export function lastContestedTime(times: readonly number[]): number | undefined {
  return times.findLast((time, index) => {
    const first = times[index - enforcedLimit + 1];
    return first !== undefined && time - first <= contestWindow;
  });
}

/** The reason in the history row stays the same for the whole hour. If the reason changed, each sweep would write the row again. */
function reasonFor(policy: string, last: number): string {
  return (
    `${reasonPrefix} somebody changed this property back ${enforcedLimit} times within ${contestWindow / 60_000} minutes. It is left alone ` +
    `${untilText(last + standDownTime)}. To enforce it at once, ${releaseText(policy)}.`
  );
}
