import { isJsonObject, type Json, type JsonObject, jsonEquals } from './json.ts';

/**
 * Applies a JSON merge patch (RFC 7396) to a JSON value and returns the result. IoT Hub applies a patch to a twin in the same way. In the
 * patch, `null` removes the property, an object is merged into the old value, and any other value replaces the old value.
 */
export function mergePatch(target: Json | undefined, patch: JsonObject): JsonObject {
  const entries = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) entries.delete(key);
    else entries.set(key, isJsonObject(change) ? mergePatch(entries.get(key), change) : change);
  }
  // With `Object.fromEntries`, even the key `__proto__` becomes an ordinary property and does not change the prototype.
  return Object.fromEntries(entries);
}

/**
 * The smallest merge patch that turns `from` into `to`. `undefined` when the two values are equal. `to` must not contain `null`, because a
 * merge patch cannot set a property to `null`.
 */
export function diffPatch(from: Json | undefined, to: Json): Json | undefined {
  if (jsonEquals(from, to)) return undefined;
  if (!isJsonObject(from) || !isJsonObject(to)) return to;
  const removed = Object.keys(from).filter((key) => !Object.hasOwn(to, key));
  const changes: [string, Json][] = removed.map((key) => [key, null]);
  for (const [key, value] of Object.entries(to)) {
    const change = diffPatch(Object.hasOwn(from, key) ? from[key] : undefined, value);
    if (change !== undefined) changes.push([key, change]);
  }
  return Object.fromEntries(changes);
}
