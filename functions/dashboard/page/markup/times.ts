/** Writes times for the user, in the browser's time zone or in UTC. */
import { el, fill } from './elements.ts';

/** Milliseconds in an hour. */
export const hour = 3_600_000;

/** A time zone that the page can show times in: the browser's own, or UTC. */
export type Zone = 'local' | 'utc';

interface Formats {
  readonly minutes: Intl.DateTimeFormat;
  readonly clock: Intl.DateTimeFormat;
  readonly day: Intl.DateTimeFormat;
  readonly dayOfYear: Intl.DateTimeFormat;
  readonly year: Intl.DateTimeFormat;
  readonly whole: Intl.DateTimeFormat;
}

function formatsFor(timeZone: string | undefined): Formats {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(undefined, { timeZone, ...options });
  const time = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const date = { month: 'short', day: 'numeric' } as const;
  return {
    minutes: format(time),
    clock: format({ ...time, second: '2-digit' }),
    day: format(date),
    dayOfYear: format({ ...date, year: 'numeric' }),
    year: format({ year: 'numeric' }),
    whole: format({ ...date, ...time, year: 'numeric', second: '2-digit', timeZoneName: 'short' }),
  };
}

const formatsOf: Readonly<Record<Zone, Formats>> = { local: formatsFor(undefined), utc: formatsFor('UTC') };
let zone: Zone = 'local';
let formats = formatsOf.local;

/** Shows times in this zone from now on, and writes the `time` elements of the page anew. */
export function showTimesIn(next: Zone): void {
  if (next === zone) return;
  zone = next;
  formats = formatsOf[next];
  for (const element of document.querySelectorAll('time')) writeTime(element, new Date(element.dateTime));
}

/** The zone in which the page shows times now. */
export function shownZone(): Zone {
  return zone;
}

/** The name of the browser's time zone with its present difference from UTC, such as `Europe/Berlin (GMT+1)`. */
export function localZoneName(): string {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'shortOffset' }).formatToParts();
  const offset = parts.find(({ type }) => type === 'timeZoneName')?.value;
  return offset === undefined ? timeZone : `${timeZone} (${offset})`;
}

/** Converts milliseconds since 1970 to ISO 8601. */
export function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** A `time` element that shows a time as `12:34:56`. The day comes first when the time is not today. The title names the zone, and has UTC. */
export function time(text: string): HTMLElement {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return el('span', {}, text);
  const element = el('time', { datetime: at.toISOString() });
  writeTime(element, at);
  return element;
}

function writeTime(element: HTMLTimeElement, at: Date): void {
  const isToday = dayOf(at.getTime()) === dayOf(Date.now());
  const clock = formats.clock.format(at);
  fill(element, isToday ? clock : `${dayOf(at.getTime())} ${clock}`);
  element.title = `${formats.whole.format(at)} · ${at.toISOString()}`;
}

/** The day of a time, such as `Nov 22`. The year follows when it is not this year. `at` is in milliseconds since 1970. */
export function dayOf(at: number): string {
  const { day, dayOfYear, year } = formats;
  return year.format(at) === year.format(Date.now()) ? day.format(at) : dayOfYear.format(at);
}

/** Hour and minute of a time, such as `09:03`. `at` is in milliseconds since 1970. */
export function clockOf(at: number): string {
  return formats.minutes.format(at);
}

/** A time such as `09:03`. The day comes first when it differs from the day of `than`, which is today by default. */
export function moment(at: number, than = Date.now()): string {
  return dayOf(at) === dayOf(than) ? clockOf(at) : `${dayOf(at)} ${clockOf(at)}`;
}

/** A time range such as `08:00 to 09:06`. The days are shown when the range is not within today. */
export function span(from: number, to: number): string {
  const isOneDay = dayOf(from) === dayOf(to);
  return isOneDay
    ? `${moment(from)} to ${clockOf(to)}`
    : `${dayOf(from)} ${clockOf(from)} to ${dayOf(to)} ${clockOf(to)}`;
}
