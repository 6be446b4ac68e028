/** Number of twins that were counted in each minute. The keys are minutes since 1970. */
export type TwinWindow = ReadonlyMap<number, number>;

/**
 * Removes the minutes that do not count against the hourly limit any more. A minute counts until an hour after the end of the minute. The
 * twins in any sixty minutes then never exceed the limit, and a twin counts for at most one minute too long. Minutes in the future also
 * count, because the clock of another instance of the app may be ahead.
 */
export function withinHour(window: TwinWindow, now: Date): TwinWindow {
  const oldest = minuteOf(now) - 60;
  return new Map([...window].filter(([minute, count]) => minute >= oldest && count > 0));
}

/** Total number of twins in a window. */
export function twinsIn(window: TwinWindow): number {
  return [...window.values()].reduce((sum, count) => sum + count, 0);
}

/** Returns the window with `count` more twins in the current minute. */
export function withTwins(window: TwinWindow, count: number, now: Date): TwinWindow {
  const minute = minuteOf(now);
  return new Map(window).set(minute, (window.get(minute) ?? 0) + count);
}

/** Returns the window with one twin less in each of these minutes. A minute can stand in the list several times. */
export function withoutTwins(window: TwinWindow, minutes: readonly number[]): TwinWindow {
  const left = new Map(window);
  for (const minute of minutes) left.set(minute, (left.get(minute) ?? 0) - 1);
  return new Map([...left].filter(([, count]) => count > 0));
}

/**
 * Converts a window, which is the number of twins in each minute, to JSON text for a table. A window has at most 61 minutes, so the text has
 * about one kilobyte.
 */
export function toWindowText(window: TwinWindow): string {
  return JSON.stringify(Object.fromEntries(window));
}

/**
 * Parses the JSON text that {@link toWindowText} returned.
 *
 * @throws {SyntaxError} when the text is not JSON. When the count is unknown, no twin may be changed.
 */
export function fromWindowText(text: string): TwinWindow {
  const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
  return new Map(entries.map(([minute, count]) => [Number(minute), Number(count)]));
}

/** The minute of a time, counted from 1970. */
export function minuteOf(time: Date): number {
  return Math.floor(time.getTime() / 60_000);
}
