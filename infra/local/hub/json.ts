/** JSON as the hub handles it: read-only values, own keys only, whatever a key is called. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Whether this JSON value is an object: neither null nor an array. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value under an own key, or undefined. Never what a prototype has. */
export function own(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * Sets an own key of an object under construction. A twin may well have a property called `__proto__`; assigning it
 * would change the object's prototype instead.
 */
export function setOwn(target: Record<string, JsonValue>, key: string, value: JsonValue): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}

/** Whether no object or array in this value lies deeper than `limit` others. Never deeper on the stack than the limit. */
export function isWithinDepth(value: JsonValue, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (limit === 0) return false;
  const children: readonly JsonValue[] = Array.isArray(value) ? value : Object.values(value);
  return children.every((child) => isWithinDepth(child, limit - 1));
}
