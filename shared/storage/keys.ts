/** The latest time that {@link newestFirst} can write, in milliseconds since 1970. It lies in the year 5138. */
export const lastMillisecond = 99_999_999_999_999;

/** A time in milliseconds since 1970, as the beginning of a row key. Rows with later times sort first. */
export function newestFirst(milliseconds: number): string {
  return String(lastMillisecond - milliseconds).padStart(14, '0');
}

/**
 * A device id as part of a table key. Table Storage forbids some characters in keys, so each special character becomes `~` and
 * two hex digits. A device id never contains `~`.
 */
export function encodeDeviceId(deviceId: string): string {
  return deviceId.replace(/[^A-Za-z0-9_.-]/g, (char) => `~${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
