/** How many values were overwritten in each minute; the keys are minutes since 1970. */
export type OverwriteWindow = ReadonlyMap<number, number>;

/**
 * What counts of a window by now. A minute counts until an hour has gone by since its last moment, so that no sixty minutes ever hold
 * more than was allowed, however they lie; an overwrite can count for up to a minute too long. Minutes that are still to come, by a
 * clock that is ahead of ours, count as well.
 */
export function withinHour(window: OverwriteWindow, now: Date): OverwriteWindow {
  const oldest = minuteOf(now) - 60;
  return new Map([...window].filter(([minute, count]) => minute >= oldest && count > 0));
}

/** How many overwrites a window holds. */
export function overwritesIn(window: OverwriteWindow): number {
  return [...window.values()].reduce((sum, count) => sum + count, 0);
}

/** The window with so many overwrites more, made now. */
export function withOverwrites(window: OverwriteWindow, count: number, now: Date): OverwriteWindow {
  const minute = minuteOf(now);
  return new Map(window).set(minute, (window.get(minute) ?? 0) + count);
}

/** As a table keeps it. An hour has 61 minutes at most here, which is a kilobyte. */
export function toWindowText(window: OverwriteWindow): string {
  return JSON.stringify(Object.fromEntries(window));
}

/** Undoes {@link toWindowText}. Throws when the text is not what that made: what cannot be counted must not be let through. */
export function fromWindowText(text: string): OverwriteWindow {
  const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
  return new Map(entries.map(([minute, count]) => [Number(minute), Number(count)]));
}

function minuteOf(time: Date): number {
  return Math.floor(time.getTime() / 60_000);
}
