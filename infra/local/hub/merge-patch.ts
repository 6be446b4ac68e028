/** JSON merge patch (RFC 7396): the rules of PATCH for tags and properties. */
import { isObject, type JsonObject, own, setOwn } from './json.ts';

/**
 * Applies a patch to a copy of the target. A null removes a key. An object is merged into the existing object, at any depth. Any other
 * value replaces the existing value. Neither argument is changed. The result shares unchanged objects with the target.
 */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const result: Record<string, JsonObject[string]> = {};
  const put = (key: string): void => {
    const change = patch[key];
    if (change === undefined || change === null) return;
    const current = own(target, key);
    setOwn(result, key, isObject(change) ? mergePatch(isObject(current) ? current : {}, change) : change);
  };
  for (const key of Object.keys(target)) {
    if (Object.hasOwn(patch, key)) put(key);
    else setOwn(result, key, target[key] ?? null);
  }
  for (const key of Object.keys(patch)) if (!Object.hasOwn(target, key)) put(key);
  return result;
}
