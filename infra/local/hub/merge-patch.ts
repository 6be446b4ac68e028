/** JSON merge patch, RFC 7396: what PATCH means for tags and properties. */
import { isObject, type JsonObject, own, setOwn } from './json.ts';

/**
 * The target with the patch applied: keys set to null are removed, objects are merged at any depth, everything else
 * replaces. Neither argument is changed; untouched parts are shared with the result.
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
