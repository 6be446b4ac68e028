/** Timestamps in IoT Hub's format: ISO 8601 in UTC, with seven decimals of the second. */

/** The current time in milliseconds since 1970, with a fraction. The clock is monotonic, so a later write never gets an earlier time. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Formats milliseconds since 1970 as a timestamp, for example `2022-06-01T22:27:50.2612586Z`. */
export function timestamp(milliseconds: number = preciseNow()): string {
  const whole = Math.floor(milliseconds);
  const fraction = Math.min(9999, Math.floor((milliseconds - whole) * 10_000));
  return `${new Date(whole).toISOString().slice(0, -1)}${String(fraction).padStart(4, '0')}Z`;
}

/** The timestamp that IoT Hub uses for something that has never happened: .NET's `DateTime.MinValue`. */
export const neverTimestamp = '0001-01-01T00:00:00Z';
