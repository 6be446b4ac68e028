/** Number of overwritten values in each minute. The keys are minutes since 1970. */
export type OverwriteWindow = ReadonlyMap<number, number>;

/**
 * Removes the minutes that do not count against the hourly limit any more from a window of overwrites. A minute counts until an hour after
 * the end of the minute. The overwrites in any sixty minutes then never exceed the limit, and an overwrite counts for at most one minute
 * too long. Minutes in the future also count, because the clock of another instance of the app may be ahead.
 */
export function withinHour(window: OverwriteWindow, now: Date): OverwriteWindow {
  const oldest = minuteOf(now) - 60;
  return new Map([...window].filter(([minute, count]) => minute >= oldest && count > 0));
}

/** Total number of overwrites in a window. */
export function overwritesIn(window: OverwriteWindow): number {
  return [...window.values()].reduce((sum, count) => sum + count, 0);
}

/** Returns the window with `count` more overwrites in the current minute. */
export function withOverwrites(window: OverwriteWindow, count: number, now: Date): OverwriteWindow {
  const minute = minuteOf(now);
  return new Map(window).set(minute, (window.get(minute) ?? 0) + count);
}

/**
 * Converts a window, which is the number of overwrites in each minute, to JSON text for a table. A window has at most 61 minutes, so the
 * text has about one kilobyte.
 */
export function toWindowText(window: OverwriteWindow): string {
  return JSON.stringify(Object.fromEntries(window));
}

/**
 * Parses the JSON text that {@link toWindowText} returned.
 *
 * @throws {SyntaxError} when the text is not JSON. When the count is unknown, no overwrite may be allowed.
 */
export function fromWindowText(text: string): OverwriteWindow {
  const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
  return new Map(entries.map(([minute, count]) => [Number(minute), Number(count)]));
}

function minuteOf(time: Date): number {
  return Math.floor(time.getTime() / 60_000);
}
