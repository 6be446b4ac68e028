/** JSON merge patch, RFC 7396: the semantics of PATCH for tags and properties. */
import { isObject, type JsonObject, own, setOwn } from './json.ts';

/**
 * Applies the patch to a copy of the target: null removes a key, an object merges at any depth, any other value replaces. Changes
 * neither argument. The result shares unchanged objects with the target.
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
