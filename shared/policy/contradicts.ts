import { isJsonObject, type Json, jsonEquals } from '../twin/index.ts';
import { durationSeconds } from './duration.ts';

/**
 * Whether a reported value contradicts the desired value. A value that is not reported contradicts nothing, and neither does a key that the
 * agent adds to an object. Durations of the same length do not contradict each other, because agents write durations anew.
 */
export function contradicts(desired: Json, reported: Json | undefined): boolean {
  if (reported === undefined) return false;
  if (isJsonObject(desired) && isJsonObject(reported)) {
    return Object.entries(desired).some(
      ([key, value]) => Object.hasOwn(reported, key) && contradicts(value, reported[key]),
    );
  }
  return !jsonEquals(desired, reported) && !areSameDuration(desired, reported);
}

/** Whether two values are ISO 8601 durations of the same length. Example: `PT24H` and `P1D`. */
function areSameDuration(left: Json, right: Json): boolean {
  const seconds = durationSeconds(left);
  return seconds !== undefined && seconds === durationSeconds(right);
}
