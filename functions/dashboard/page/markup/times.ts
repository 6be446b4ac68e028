/** Times as people read them, in the browser's time zone. */
import { el } from './elements.ts';

/** An hour in milliseconds. */
export const hour = 3_600_000;

const minutes = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** Milliseconds since 1970 as ISO 8601. */
export function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** A time as `12:34:56`, with the day in front unless the day is today. */
export function time(text: string): HTMLElement {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return el('span', {}, text);
  const isToday = at.toDateString() === new Date().toDateString();
  const shown = isToday ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
  return el('time', { datetime: at.toISOString(), title: at.toISOString() }, shown);
}

/** The day of a time, as `Nov 22`. */
export function dayOf(at: number): string {
  return day.format(at);
}

/** The hour and minute of a time, as `09:03`. */
export function clockOf(at: number): string {
  return minutes.format(at);
}

/** A time as `09:03`, with the day in front unless it is the day of `than`. */
export function moment(at: number, than = Date.now()): string {
  return dayOf(at) === dayOf(than) ? clockOf(at) : `${dayOf(at)} ${clockOf(at)}`;
}

/** A time range as `08:00 to 09:06`, with days unless all of it is today. */
export function span(from: number, to: number): string {
  const isOneDay = dayOf(from) === dayOf(to);
  return isOneDay
    ? `${moment(from)} to ${clockOf(to)}`
    : `${dayOf(from)} ${clockOf(from)} to ${dayOf(to)} ${clockOf(to)}`;
}
