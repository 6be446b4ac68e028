/** The spans of time that bars cover. The API has the same ones: see its parameter `zone`. */
import { hour, shownZone } from '../markup/index.ts';

/** The name of the zone in which the page shows times, such as `Europe/Berlin`. */
export function zoneName(): string {
  return shownZone() === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/**
 * The start of the bucket in which a time lies, in milliseconds since 1970. A bucket of 24 hours begins at midnight, and a shorter one at a multiple
 * of its length, in the zone in which the page shows times. Where that is no whole hour in UTC, the bucket begins with the next one.
 */
export function bucketStart(at: number, hours: number): number {
  return boundary(at, hours, 0);
}

/** The start of the next bucket. */
export function nextBucket(at: number, hours: number): number {
  const next = boundary(at, hours, 1);
  return next > at ? next : at + hour;
}

function boundary(at: number, hours: number, later: 0 | 1): number {
  if (hours === 1 || shownZone() === 'utc') {
    const length = hours * hour;
    return (Math.floor(at / length) + later) * length;
  }
  const date = new Date(at);
  const place = Math.floor(date.getHours() / hours) + later;
  const local = new Date(date.getFullYear(), date.getMonth(), date.getDate(), place * hours);
  return Math.ceil(local.getTime() / hour) * hour;
}
