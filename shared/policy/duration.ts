import { parse, pattern } from 'iso8601-duration';
import type { Json } from '../twin/index.ts';
import type { DurationBounds } from './rules.ts';

/** The pattern of the library also finds a duration inside another text. This pattern accepts only a whole text. */
const wholeDuration = new RegExp(`^${pattern.source}$`);

/** Maximum number of characters of a text that is read as a duration. The text can come from a device. */
const longestDuration = 100;

/**
 * The length of an ISO 8601 duration such as `PT1H` in seconds, to the millisecond. A day has 24 hours. `undefined` for any other value,
 * and for a duration with years or months: their length depends on the date.
 */
export function durationSeconds(value: Json | undefined): number | undefined {
  if (typeof value !== 'string' || value.length > longestDuration) return undefined;
  // The library accepts a `T` without a time after it. ISO 8601 does not.
  if (!wholeDuration.test(value) || value.endsWith('T')) return undefined;
  let parts: ReturnType<typeof parse>;
  try {
    parts = parse(value);
  } catch {
    return undefined;
  }
  const { years = 0, months = 0, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0 } = parts;
  if (years > 0 || months > 0) return undefined;
  const total = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds;
  return Number.isFinite(total) ? Math.round(total * 1000) / 1000 : undefined;
}

/** Whether a value is an ISO 8601 duration that is neither shorter nor longer than the bounds. Durations are compared by length. */
export function isDurationWithin({ atLeast, atMost }: DurationBounds, value: Json | undefined): boolean {
  const seconds = durationSeconds(value);
  if (seconds === undefined) return false;
  const shortest = durationSeconds(atLeast) ?? 0;
  const longest = durationSeconds(atMost) ?? Number.POSITIVE_INFINITY;
  return seconds >= shortest && seconds <= longest;
}

/** Lengths that people often choose, in seconds. */
const usualLengths = [
  ...[10, 15, 30],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 45].map((minutes) => minutes * 60),
  ...[1, 2, 3, 4, 5, 6, 8, 10, 12, 13, 24, 48].map((hours) => hours * 3600),
];

/**
 * Durations that a rule allows, in the spellings that people and agents use: the rule's own texts, and usual lengths within the bounds. A
 * query can compare texts, but cannot read durations.
 */
export function usualDurations({
  atLeast,
  atMost,
  otherwise,
}: DurationBounds & { readonly otherwise: string }): readonly string[] {
  const own = [otherwise, atLeast, atMost].filter((text) => text !== undefined);
  const shortest = durationSeconds(atLeast) ?? 0;
  const longest = durationSeconds(atMost) ?? Number.POSITIVE_INFINITY;
  const lengths = [...own.map((text) => durationSeconds(text) ?? 0), ...usualLengths];
  const spellings = lengths
    .filter((length) => length >= shortest && length <= longest)
    .flatMap((length) => [canonicalDuration(length), inLargestUnit(length)]);
  return [...new Set([...own, ...spellings])];
}

/**
 * Writes a number of seconds as an ISO 8601 duration, in the largest possible units: 86,400 seconds as `P1D`, 5400 seconds as `PT1H30M`.
 */
function canonicalDuration(length: number): string {
  const part = (size: number, unit: string, limit = Number.POSITIVE_INFINITY) => {
    const count = Math.floor(length / size) % limit;
    return count === 0 ? '' : `${count}${unit}`;
  };
  const seconds = Math.round((length % 60) * 1000) / 1000;
  const time = `${part(3600, 'H', 24)}${part(60, 'M', 60)}${seconds === 0 ? '' : `${seconds}S`}`;
  const days = part(86_400, 'D');
  return time === '' && days !== '' ? `P${days}` : `P${days}T${time === '' ? '0S' : time}`;
}

/**
 * Writes a number of seconds as an ISO 8601 duration with one unit. The unit is the largest of hours, minutes and seconds that needs no
 * fraction: `PT24H`, `PT90M`.
 */
function inLargestUnit(length: number): string {
  const [size, unit] = (
    [
      [3600, 'H'],
      [60, 'M'],
    ] as const
  ).find(([each]) => length % each === 0) ?? [1, 'S'];
  return `PT${length / size}${unit}`;
}
