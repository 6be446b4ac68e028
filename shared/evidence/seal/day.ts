/** A day in UTC, such as `2026-11-22`. */
export type Day = string;

const dayLength = 86_400_000;

/** The UTC day of a time, ISO 8601. */
export function dayOf(time: string | Date): Day {
  return new Date(time).toISOString().slice(0, 10);
}

/** The day that begins `days` days after the start of a day. */
export function dayAfter(day: Day, days = 1): Day {
  return dayOf(new Date(Date.parse(day) + days * dayLength));
}

/** The begin of a day, ISO 8601. */
export function beginOf(day: Day): string {
  return new Date(day).toISOString();
}

/** The times from `from`, inclusive, to `to`, exclusive. ISO 8601. Without `from`, all times before `to`. */
export interface Period {
  readonly from: string | undefined;
  readonly to: string;
}

/** Whether a time is in a period. Times in the two forms of ISO 8601 that the history uses are compared as numbers. */
export function isIn({ from, to }: Period, time: string): boolean {
  const at = Date.parse(time);
  return at < Date.parse(to) && (from === undefined || at >= Date.parse(from));
}
