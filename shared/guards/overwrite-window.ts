/** Number of overwritten values in each minute. Keys are minutes since 1970. */
export type OverwriteWindow = ReadonlyMap<number, number>;

/**
 * The minutes of a window that still count. A minute counts until an hour after its last moment, so no sixty minutes ever exceed the
 * limit. An overwrite can count for up to one minute too long. Minutes in the future count too, because another instance's clock may be
 * ahead.
 */
export function withinHour(window: OverwriteWindow, now: Date): OverwriteWindow {
  const oldest = minuteOf(now) - 60;
  return new Map([...window].filter(([minute, count]) => minute >= oldest && count > 0));
}

/** Number of overwrites in a window. */
export function overwritesIn(window: OverwriteWindow): number {
  return [...window.values()].reduce((sum, count) => sum + count, 0);
}

/** The window with `count` more overwrites in the current minute. */
export function withOverwrites(window: OverwriteWindow, count: number, now: Date): OverwriteWindow {
  const minute = minuteOf(now);
  return new Map(window).set(minute, (window.get(minute) ?? 0) + count);
}

/** The window as JSON text for a table. A window has at most 61 minutes, so the text is about one kilobyte. */
export function toWindowText(window: OverwriteWindow): string {
  return JSON.stringify(Object.fromEntries(window));
}

/**
 * Parses a text of {@link toWindowText}.
 *
 * @throws {SyntaxError} when the text is not JSON. Overwrites that cannot be counted must not be allowed.
 */
export function fromWindowText(text: string): OverwriteWindow {
  const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
  return new Map(entries.map(([minute, count]) => [Number(minute), Number(count)]));
}

function minuteOf(time: Date): number {
  return Math.floor(time.getTime() / 60_000);
}
