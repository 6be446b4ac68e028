import { InvalidArgumentError } from 'commander';

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
const isoForm = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Parses a time: ISO 8601, or a duration before now such as `-24h`, `-30m`, `-7d`. A time without an offset is in UTC, because all times of
 * the history are in UTC. Returns ISO 8601 in UTC.
 *
 * @throws {InvalidArgumentError} If the text is anything else.
 */
export function parseTime(text: string, now: Date = new Date()): string {
  const [, count, unit = ''] = /^-(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const date =
    count !== undefined
      ? new Date(now.getTime() - Number(count) * (units[unit] ?? Number.NaN))
      : isoForm.test(text)
        ? new Date(text.includes('T') && !/(Z|[+-]\d\d:\d\d)$/.test(text) ? `${text}Z` : text)
        : new Date(Number.NaN);
  if (Number.isNaN(date.getTime()) || date.getTime() < 0 || isOverflown(text, date)) {
    throw new InvalidArgumentError(
      'It must be a time, such as 2026-11-22T05:00Z, or a duration before now, such as -24h, -30m or -7d.',
    );
  }
  return date.toISOString();
}

/** Whether `Date` has moved a day that does not exist into the next month, such as the 31st of February, or an hour into the next day. */
function isOverflown(text: string, date: Date): boolean {
  if (text.startsWith('-')) return false;
  const hasOffset = /[+-]\d\d:\d\d$/.test(text);
  const shown = hasOffset ? new Date(`${text.slice(0, 10)}T00:00Z`) : date;
  return !shown.toISOString().startsWith(text.slice(0, 10));
}

/**
 * Parses a range of time: `FROM..TO`, each as {@link parseTime} takes it. Without `TO`, the range ends now.
 *
 * @throws {InvalidArgumentError} If the text is anything else, or the range does not end after it begins.
 */
export function parseTimeRange(text: string, now: Date = new Date()): { readonly from: string; readonly to: string } {
  const [from = '', to, ...more] = text.split('..');
  if (to === undefined || more.length > 0) {
    throw new InvalidArgumentError(
      'It must be two times with ".." between them, such as 2026-11-18..2026-11-19 or -2h..',
    );
  }
  const range = { from: parseTime(from, now), to: to === '' ? now.toISOString() : parseTime(to, now) };
  if (range.from >= range.to) {
    throw new InvalidArgumentError(`It must end after it begins: it is from ${range.from} to ${range.to}.`);
  }
  return range;
}

/**
 * Parses a time that is past.
 *
 * @throws {InvalidArgumentError} If the text is no time, or a time to come.
 */
export function parsePastTime(text: string, now: Date = new Date()): string {
  const time = parseTime(text, now);
  if (time > now.toISOString()) throw new InvalidArgumentError(`It must be past: it is ${now.toISOString()} now.`);
  return time;
}
