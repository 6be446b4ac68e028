import { isJsonObject, type Json, type JsonObject, jsonEquals } from './json.ts';

/** Applies a JSON merge patch (RFC 7396) as IoT Hub does to a twin section: `null` removes, objects merge, all else replaces. */
export function mergePatch(target: Json | undefined, patch: JsonObject): JsonObject {
  const entries = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) entries.delete(key);
    else entries.set(key, isJsonObject(change) ? mergePatch(entries.get(key), change) : change);
  }
  // fromEntries defines own properties, so that a `__proto__` key stays data.
  return Object.fromEntries(entries);
}

/**
 * The smallest merge patch that turns `from` into `to`: `undefined` when they are equal already. `to` must hold no `null`, which
 * a merge patch cannot express.
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
