import type { Departure } from '../drift/index.ts';
import { diffPatch, isJsonObject, type Json, obstacleOn, parsePath, type Twin } from '../twin/index.ts';

/**
 * Whether the repair of a departure overwrites or removes a value of the twin. False when the repair only adds values. A plain value in the
 * place of an object of properties is overwritten when a property of that object is added.
 *
 * @param twin The twin before the repair. `undefined` when the module is missing.
 */
export function overwritesSomething({ path, expected, actual }: Departure, twin: Twin | undefined): boolean {
  if (expected === undefined || expected === null) return actual !== undefined;
  const properties = twin?.desired.properties ?? {};
  const keys = parsePath(path);
  // When the path is empty, `expected` is a merge patch of several properties.
  if (keys.length === 0) return replacesValue(properties, expected);
  if (obstacleOn(properties, keys) !== undefined) return true;
  return actual !== undefined && replacesValue(actual, diffPatch(actual, expected));
}

/** Whether a merge patch replaces or removes a value that exists. */
function replacesValue(value: Json, patch: Json | undefined): boolean {
  if (patch === undefined) return false;
  if (!isJsonObject(value) || !isJsonObject(patch)) return true;
  return Object.entries(patch).some(([key, change]) => {
    const present = Object.hasOwn(value, key) ? value[key] : undefined;
    return present !== undefined && replacesValue(present, change);
  });
}
