/** The JSON values of the hub. They are read-only, and inherited keys do not count. Any key is allowed, even `__proto__`. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Whether the value is an object, and neither null nor an array. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a key that the object itself has. Undefined if the object has no such key, even if its prototype has one. */
export function own(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * Sets a key of an object. A twin may have a property named `__proto__`. For this name, a plain assignment would change the object's
 * prototype.
 */
export function setOwn(target: Record<string, JsonValue>, key: string, value: JsonValue): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}

/** Whether the objects and arrays in a value are nested at most `limit` levels deep. The check itself recurses at most `limit` levels. */
export function isWithinDepth(value: JsonValue, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (limit === 0) return false;
  const children: readonly JsonValue[] = Array.isArray(value) ? value : Object.values(value);
  return children.every((child) => isWithinDepth(child, limit - 1));
}
