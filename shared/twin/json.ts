/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/**
 * A JSON object. Its keys can come from a device, so do not trust them. Read a value with `getAt`, or check the key with `Object.hasOwn`
 * first: `object[key]` alone also finds properties of the prototype, such as `constructor`.
 */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** True when the value is a plain object. False for `null`, an array, a Buffer or any other instance of a class. */
export function isJsonObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Whether two JSON values have the same content. The order of keys does not matter. The order of array items matters. */
export function jsonEquals(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => jsonEquals(item, right[index]))
    );
  }
  if (Array.isArray(right)) return false;
  const a = left as JsonObject;
  const b = right as JsonObject;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && jsonEquals(a[key], b[key]))
  );
}

/**
 * Freezes a JSON value and every value inside it. After that, the `evaluate` function of a policy cannot change the value. Returns the
 * same value.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
