import type { Departure, DriftRow } from './departure.ts';

/** Number of enforcements of a property within {@link contestWindow} after which the property is contested. */
export const contestedEnforcements = 5;
/** Length of the time in which enforcements are counted, in milliseconds. */
export const contestWindow = 10 * 60_000;
/** Milliseconds after the last enforcement for which Twinkeeper does not change a contested property. */
export const standDownTime = 60 * 60_000;

/** The times at which Twinkeeper enforced the property of a departure, in milliseconds since 1970, oldest first. */
export function enforcementTimes(departure: Departure, rows: readonly DriftRow[]): readonly number[] {
  return rows
    .filter((row) => row.outcome === 'enforced' && isSameProperty(row, departure))
    .map(({ outcomeAt }) => Date.parse(outcomeAt))
    .sort((a, b) => a - b);
}

/**
 * The time of the latest enforcement that was the fifth within ten minutes. `undefined` when there is no such enforcement.
 *
 * @param times Times at which the property was enforced, in milliseconds since 1970, oldest first.
 */
export function lastContestedTime(times: readonly number[]): number | undefined {
  return times.findLast((time, index) => {
    const first = times[index - contestedEnforcements + 1];
    return first !== undefined && time - first <= contestWindow;
  });
}

/** Whether two departures from one policy are about the same property, whatever their kinds. */
export function isSameProperty(a: Departure, b: Departure): boolean {
  return a.moduleId === b.moduleId && a.policy === b.policy && a.path === b.path;
}
