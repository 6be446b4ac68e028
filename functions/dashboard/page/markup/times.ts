/** Writes times for the user, in the browser's time zone. */
import { el } from './elements.ts';

/** Milliseconds in an hour. */
export const hour = 3_600_000;

const minutes = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** Converts milliseconds since 1970 to ISO 8601. */
export function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** A `time` element that shows a time as `12:34:56`. The day comes first when the time is not today. */
export function time(text: string): HTMLElement {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return el('span', {}, text);
  const isToday = at.toDateString() === new Date().toDateString();
  const shown = isToday ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
  return el('time', { datetime: at.toISOString(), title: at.toISOString() }, shown);
}

/** The day of a time, such as `Nov 22`. `at` is in milliseconds since 1970. */
export function dayOf(at: number): string {
  return day.format(at);
}

/** Hour and minute of a time, such as `09:03`. `at` is in milliseconds since 1970. */
export function clockOf(at: number): string {
  return minutes.format(at);
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
