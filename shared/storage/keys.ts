/** The longest time that the inverted time in a key can express: year 5138, as milliseconds. */
export const lastMillisecond = 99_999_999_999_999;

/** A time, in milliseconds since 1970, as the beginning of a key: later times sort first. */
export function newestFirst(milliseconds: number): string {
  return String(lastMillisecond - milliseconds).padStart(14, '0');
}

/** A device id as part of a key. Table Storage forbids some characters: each is written as `~` and two hex digits. Device ids hold no `~`. */
export function encodeDeviceId(deviceId: string): string {
  return deviceId.replace(/[^A-Za-z0-9_.-]/g, (char) => `~${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
