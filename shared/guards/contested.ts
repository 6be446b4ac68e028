import type { Clock } from '../clock.ts';
import {
  contestedEnforcements,
  contestWindow,
  type Departure,
  enforcementTimes,
  lastContestedTime,
  standDownTime,
} from '../drift/index.ts';
import type { Guard } from './guard.ts';
import type { GuardStore } from './guard-store.ts';
import { readUntil, releaseText, untilText } from './held-row.ts';

/** The first word of each reason for which this guard holds a repair back. */
const reasonPrefix = 'contested:';

/**
 * Creates the guard for contested properties. When somebody has changed a property back {@link contestedEnforcements} times within ten
 * minutes, the guard holds repairs of the property back for an hour. The guard uses only the history, which all instances of the app share
 * and which survives a restart. A release of the policy ends the hour early. `review` throws when storage does not answer.
 */
export function contestedGuard({ store, clock }: { readonly store: GuardStore; readonly clock: Clock }): Guard {
  return {
    async review(review) {
      const now = clock.now().getTime();
      const contested = review.departures
        .map((departure) => [departure, enforcementTimes(departure, review.rows)] as const)
        .filter(([, times]) => isStandingDown(times, now));
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

function isStandingDown(times: readonly number[], now: number): boolean {
  const last = lastContestedTime(times);
  return last !== undefined && now < last + standDownTime;
}

/** The reason in the history row stays the same for the whole hour. If the reason changed, each sweep would write the row again. */
function reasonFor(policy: string, last: number): string {
  return (
    `${reasonPrefix} somebody changed this property back ${contestedEnforcements} times within ${contestWindow / 60_000} minutes. It is left alone ` +
    `${untilText(last + standDownTime)}. To enforce it at once, ${releaseText(policy)}.`
  );
}
