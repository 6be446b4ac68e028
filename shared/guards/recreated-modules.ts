import type { Clock } from '../clock.ts';
import type { Departure, DriftRow } from '../drift/index.ts';
import type { Guard, Review } from './guard.ts';
import type { GuardStore } from './guard-store.ts';
import { releaseText, untilText } from './held-row.ts';

/** Number of times that Twinkeeper creates a deleted module again within {@link window}. */
const recreationLimit = 5;
/** Length of the time in which creations are counted, in milliseconds. */
const window = 60 * 60_000;
/** Milliseconds after the last creation for which Twinkeeper does not create the module. */
const standDownTime = 60 * 60_000;

/**
 * Creates the guard for modules that somebody deletes again and again. When Twinkeeper has created a deleted module {@link recreationLimit}
 * times within an hour, the guard holds the next creation back for an hour. The guard uses only the history. A release of the policy ends
 * the hour early. `review` throws when storage does not answer.
 */
export function recreatedModulesGuard({
  store,
  clock,
}: {
  readonly store: Pick<GuardStore, 'releasedAt'>;
  readonly clock: Clock;
}): Guard {
  return {
    async review({ departures, rows }: Review) {
      const now = clock.now().getTime();
      const held = new Map<Departure, string>();
      for (const departure of departures) {
        if (departure.kind !== 'missingModule') continue;
        const times = recreationTimes(departure, rows);
        const last = lastTimeAtLimit(times);
        if (last === undefined || now >= last + standDownTime) continue;
        const releasedAt = (await store.releasedAt(departure.policy))?.getTime() ?? 0;
        const sinceRelease = lastTimeAtLimit(times.filter((time) => time > releasedAt));
        if (sinceRelease !== undefined) held.set(departure, reasonFor(departure.policy, sinceRelease));
      }
      return held;
    },

    // The reason begins with `contested:` too. The guard for contested properties therefore decides whether these rows are still held back.
    stillHeld: async () => new Set(),
  };
}

/** The times at which Twinkeeper created the module again for this policy, in milliseconds since 1970, oldest first. */
function recreationTimes({ moduleId, policy }: Departure, rows: readonly DriftRow[]): readonly number[] {
  return rows
    .filter((row) => row.kind === 'missingModule' && row.moduleId === moduleId && row.policy === policy)
    .filter((row) => row.outcome === 'created' && isDeletion(row))
    .map((row) => Date.parse(row.outcomeAt))
    .sort((a, b) => a - b);
}

/**
 * Whether the row records the deletion of a module, and not a new device. The row of a deletion event has the version of the deleted twin.
 * The row of a read does not show which of the two happened, and counts as a deletion.
 */
function isDeletion({ write, twinVersion }: DriftRow): boolean {
  return !write.exact || twinVersion !== undefined;
}

/** The time of the latest creation that reached the limit. `undefined` when no creation reached the limit. */
function lastTimeAtLimit(times: readonly number[]): number | undefined {
  return times.findLast((time, index) => {
    const first = times[index - recreationLimit + 1];
    return first !== undefined && time - first <= window;
  });
}

/** The reason in the history row stays the same for the whole hour. If the reason changed, each sweep would write the row again. */
function reasonFor(policy: string, last: number): string {
  return (
    `contested: somebody deleted this module again after it was created ${recreationLimit} times within an hour. It is left alone ` +
    `${untilText(last + standDownTime)}. To create it at once, ${releaseText(policy)}.`
  );
}
