import { isJsonObject, type Json, type JsonObject } from './json.ts';

/**
 * The keys that lead to a property of a JSON object, outermost key first. The path `['a', 'b']` leads to the property `b` of the object
 * `a`. The path of a property has at least one key.
 */
export type Path = readonly string[];

/** Joins the keys of a path with dots: `a.b.c`. IoT Hub allows no dot in a key of a twin, so {@link parsePath} returns the same keys. */
export function formatPath(path: Path): string {
  return path.join('.');
}

/** Splits a dotted path into its keys. The empty text gives `[]`. */
export function parsePath(text: string): Path {
  return text === '' ? [] : text.split('.');
}

/** The value at a path of a JSON object. `undefined` when the path does not exist. Properties of a prototype are not found. */
export function getAt(root: Json | undefined, path: Path): Json | undefined {
  let value = root;
  for (const key of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/**
 * Returns a copy of `root` with `value` at `path`. When a value above `path` is missing or is not an object, an object takes its place.
 *
 * @throws {RangeError} when the path has no key.
 */
export function setAt(root: JsonObject, path: Path, value: Json): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) throw new RangeError('A path must have at least one key.');
  const inner = Object.hasOwn(root, key) ? root[key] : undefined;
  const next = rest.length === 0 ? value : setAt(isJsonObject(inner) ? inner : {}, rest, value);
  // With a computed key, even `__proto__` becomes an ordinary property of the copy and does not change its prototype.
  return { ...root, [key]: next };
}

/**
 * True when two paths are equal, or when one path is the beginning of the other path. A write at one path can then change the value at the
 * other.
 */
export function overlaps(left: Path, right: Path): boolean {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) if (left[index] !== right[index]) return false;
  return true;
}

/**
 * Finds the first value above `path` that is not an object. Example: for the path `a.b` of `{ "a": 1 }`, this is the value 1 at `a`. A
 * property can be set at `path` only by replacing that value. Returns the value with its path. `undefined` when the values above `path`
 * are objects, missing or `null`.
 */
export function obstacleOn(root: JsonObject, path: Path): { readonly path: Path; readonly value: Json } | undefined {
  for (let length = 1; length < path.length; length++) {
    const parent = path.slice(0, length);
    const value = getAt(root, parent);
    if (value === undefined || value === null) return undefined;
    if (!isJsonObject(value)) return { path: parent, value };
  }
  return undefined;
}
