import { badParameter } from './problem.ts';

/** A range of time in ISO 8601, UTC. The range includes `from` and excludes `to`. */
export interface TimeRange {
  readonly from: string;
  readonly to: string;
}

const day = 86_400_000;
/** The longest range that a query may have, in days. */
const longestRange = 400;

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: day, w: 7 * day };

/**
 * Turns the value of a time parameter (`2026-11-22`, `-24h`) into a time in ISO 8601 and UTC. `name` is the parameter's name.
 *
 * @throws {ApiProblem} for a date that does not exist, such as 30 February, and for a time before 1970.
 */
export function parseTime(name: string, text: string, now: Date): string {
  const [, count, unit = ''] = /^-(\d+)([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) {
    const earliest = 0;
    return new Date(Math.max(earliest, now.getTime() - Number(count) * (units[unit] ?? Number.NaN))).toISOString();
  }
  // URL decoding turns the `+` of an offset into a space.
  const iso = text.replace(/ (?=\d\d:\d\d$)/, '+');
  const hasOffset = /(Z|[+-]\d\d:\d\d)$/.test(iso);
  const date = new Date(iso.includes('T') && !hasOffset ? `${iso}Z` : iso);
  // `Date` accepts 31 February and makes it a day in March.
  const isReal = !Number.isNaN(date.getTime()) && isOnCalendar(iso.slice(0, 10));
  if (!isReal || date.getTime() < 0) throw badParameter(name, 'must be a real time since 1970', text);
  return date.toISOString();
}

/**
 * Completes a range of time. A missing `to` becomes now, a missing `from` becomes 24 hours before `to`.
 *
 * @throws {ApiProblem} when the range ends before it begins, or is longer than 400 days.
 */
export function completeRange(given: Partial<TimeRange>, now: Date): TimeRange {
  // One second more: the clock of the process that writes rows may run slightly ahead.
  const to = given.to ?? new Date(now.getTime() + 1000).toISOString();
  const from = given.from ?? new Date(Math.max(0, Date.parse(to) - day)).toISOString();
  checkRange({ from, to }, given.from === undefined ? 'to' : 'from');
  return { from, to };
}

/** Whether a range ends after it begins, and is not longer than 400 days. */
export function isValidRange(range: Partial<TimeRange>): boolean {
  return lengthOf(range) > 0 && !isTooLong(range);
}

function checkRange(range: TimeRange, wrongParameter: 'from' | 'to'): void {
  const { from, to } = range;
  if (!(lengthOf(range) > 0))
    throw badParameter(wrongParameter, `must leave a range that ends after it begins: it is from ${from} to ${to}`);
  if (isTooLong(range)) {
    throw badParameter(
      wrongParameter,
      `must be at most ${longestRange} days before the end of the range: ask for several shorter ranges, or for one device`,
      from,
    );
  }
}

function lengthOf({ from = '', to = '' }: Partial<TimeRange>): number {
  return Date.parse(to) - Date.parse(from);
}

function isTooLong(range: Partial<TimeRange>): boolean {
  return lengthOf(range) > longestRange * day + 1000;
}

function isOnCalendar(date: string): boolean {
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
}
