import type { HourRange, StoredRows } from '../../drift/index.ts';
import { beginOf, type Day, dayAfter } from './day.ts';

/** The parts of the timeline that must be read to seal a day, in order and without overlap. */
export interface Candidates {
  readonly ranges: readonly HourRange[];
  /** Whether a place in the order of the timeline lies in one of the ranges. */
  has(place: string): boolean;
}

/** Milliseconds by which the clocks of two instances may differ, and the time for which an hour is not marked a second time. */
const slack = 15 * 60_000;

/** All hours until the end of a day. */
export function allCandidates(day: Day): Candidates {
  return toCandidates([{ from: '', to: dayAfter(day) }]);
}

/**
 * The hours whose rows something can have happened to on a day: those of the day itself, and earlier hours with rows that changed since the day
 * began. All earlier rows are as the seal before says. Hours that retention has worked on are not counted again when their rows change: so
 * they are always read. They have only the rows that are still open.
 *
 * @param withUnknown Whether to read also the hours of which nobody knows when they changed.
 */
export async function candidatesOf(rows: StoredRows, day: Day, withUnknown: boolean): Promise<Candidates> {
  const changed = await rows.changedHours(new Date(Date.parse(beginOf(day)) - slack), withUnknown);
  const retained = await rows.retainedSince();
  const since = retained < day ? retained : day;
  return toCandidates([
    ...(since === '' ? [] : [{ from: '', to: since }]),
    ...changed.filter((hour) => hour >= since && hour < day).map((hour) => ({ from: hour, to: `${hour}~` })),
    { from: day, to: dayAfter(day) },
  ]);
}

function toCandidates(ranges: readonly HourRange[]): Candidates {
  return {
    ranges,
    has(place) {
      // The ranges are in order. So the last one that begins before the place is the only one that can have it.
      let [low, high] = [0, ranges.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((ranges[middle]?.from ?? '') <= place) low = middle + 1;
        else high = middle;
      }
      const range = ranges[low - 1];
      return range !== undefined && place < range.to;
    },
  };
}
