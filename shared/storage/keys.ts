/** The latest time that {@link newestFirst} accepts, in milliseconds since 1970. This time is in the year 5138. */
export const lastMillisecond = 99_999_999_999_999;

/**
 * Writes a time as the first part of a row key. Table Storage then lists the rows with later times first. `milliseconds` counts from 1970.
 */
export function newestFirst(milliseconds: number): string {
  return String(lastMillisecond - milliseconds).padStart(14, '0');
}

/**
 * Writes a device id as a part of a table key. Table Storage forbids some characters in keys. So each character becomes `~` and two
 * hexadecimal digits, except letters, digits, `_`, `.` and `-`. A device id never contains `~`, so different ids give different keys.
 */
export function encodeDeviceId(deviceId: string): string {
  return deviceId.replace(/[^A-Za-z0-9_.-]/g, (char) => `~${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/**
 * The end of the range of keys that begin with `prefix`: all of these keys sort before the end, and no other key lies between them and the
 * end. The end itself is not part of the range, so a filter compares with `lt`. An upper bound such as `<prefix>~` is wrong for encoded
 * device ids, because an encoded id can begin with `~`.
 *
 * @param prefix At least one character. The last character must not be the last character of Unicode's basic plane.
 */
export function endOfPrefix(prefix: string): string {
  return `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
}
