import { badParameter } from './problem.ts';

/** A time range: the start `from` is included, the end `to` is excluded. Both are ISO 8601 in UTC. */
export interface TimeRange {
  readonly from: string;
  readonly to: string;
}

const day = 86_400_000;
/** The longest time range of a query, in days. */
const longestRange = 400;

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: day, w: 7 * day };

/**
 * Turns the value of a time parameter, such as `2026-11-22` or `-24h`, into ISO 8601 in UTC. `name` is the parameter's name, for the error
 * message.
 *
 * @throws {ApiProblem} for a date that does not exist, such as 30 February, and for a time before 1970.
 */
export function parseTime(name: string, text: string, now: Date): string {
  const [, count, unit = ''] = /^-(\d+)([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) {
    const earliest = 0;
    return new Date(Math.max(earliest, now.getTime() - Number(count) * (units[unit] ?? Number.NaN))).toISOString();
  }
  // The `+` of a time offset, such as `+01:00`, becomes a space when the URL is decoded.
  const iso = text.replace(/ (?=\d\d:\d\d$)/, '+');
  const hasOffset = /(Z|[+-]\d\d:\d\d)$/.test(iso);
  const date = new Date(iso.includes('T') && !hasOffset ? `${iso}Z` : iso);
  // `Date` accepts 31 February and turns it into a day in March, so the day is checked separately.
  const isReal = !Number.isNaN(date.getTime()) && isOnCalendar(iso.slice(0, 10));
  if (!isReal || date.getTime() < 0) throw badParameter(name, 'must be a real time since 1970', text);
  return date.toISOString();
}

/**
 * Turns the value of a parameter that looks back into ISO 8601 in UTC.
 *
 * @throws {ApiProblem} as {@link parseTime}, and for a time that is still to come.
 */
export function pastTime(name: string, text: string, now: Date): string {
  const time = parseTime(name, text, now);
  if (time > now.toISOString()) throw badParameter(name, `must be past: it is ${now.toISOString()} now`, text);
  return time;
}

/**
 * Completes a time range. A missing `to` becomes the current time plus one second. A missing `from` becomes 24 hours before `to`.
 *
 * @throws {ApiProblem} when the range ends before it begins, or is longer than 400 days.
 */
export function completeRange(given: Partial<TimeRange>, now: Date): TimeRange {
  // One second is added because the clock of the process that writes history rows may be slightly ahead.
  const to = given.to ?? new Date(now.getTime() + 1000).toISOString();
  const from = given.from ?? new Date(Math.max(0, Date.parse(to) - day)).toISOString();
  checkRange({ from, to }, given.from === undefined ? 'to' : 'from');
  return { from, to };
}

/** Whether a time range ends after it begins and is at most 400 days long. */
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
