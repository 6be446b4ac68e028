import { badParameter } from './problem.ts';

/** A range of time, ISO 8601: `from` belongs to it, `to` does not. */
export interface TimeRange {
  readonly from: string;
  readonly to: string;
}

const day = 86_400_000;
/** The longest range that may be asked for, in days. */
const longestRange = 400;

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: day, w: 7 * day };

/**
 * The moment that a parameter stands for, in ISO 8601 and UTC.
 *
 * @throws {ApiProblem} for a day that no calendar has.
 */
export function resolveTime(name: string, text: string, now: Date): string {
  const [, count, unit = ''] = /^-(\d+)([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) {
    const earliest = 0;
    return new Date(Math.max(earliest, now.getTime() - Number(count) * (units[unit] ?? Number.NaN))).toISOString();
  }
  // In a query, `+` stands for a space.
  const given = text.replace(/ (?=\d\d:\d\d$)/, '+');
  const hasOffset = /(Z|[+-]\d\d:\d\d)$/.test(given);
  const date = new Date(given.includes('T') && !hasOffset ? `${given}Z` : given);
  // To `Date`, the 31st of February is a day in March.
  const isReal = !Number.isNaN(date.getTime()) && isOnCalendar(given.slice(0, 10));
  if (!isReal || date.getTime() < 0) throw badParameter(name, 'must be a real moment, since 1970', text);
  return date.toISOString();
}

/**
 * Fills in what was not given: up to now, and the 24 hours before.
 *
 * @throws {ApiProblem} where the range ends before it begins, or is too long to be read.
 */
export function toRange(given: Partial<TimeRange>, now: Date): TimeRange {
  // What is written just now may be of a clock that is a little ahead.
  const to = given.to ?? new Date(now.getTime() + 1000).toISOString();
  const from = given.from ?? new Date(Math.max(0, Date.parse(to) - day)).toISOString();
  checkRange({ from, to }, given.from === undefined ? 'to' : 'from');
  return { from, to };
}

/** Whether a range has some time in it, and no more than may be asked for. */
export function isRange(range: Partial<TimeRange>): boolean {
  return lengthOf(range) > 0 && !isTooLong(range);
}

function checkRange(range: TimeRange, atFault: 'from' | 'to'): void {
  const { from, to } = range;
  if (!(lengthOf(range) > 0)) throw badParameter(atFault, `must leave some time: from ${from} to ${to} there is none`);
  if (isTooLong(range)) {
    throw badParameter(
      atFault,
      `must be at most ${longestRange} days before the end of the range: ask for one part after the other, or for one device`,
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
