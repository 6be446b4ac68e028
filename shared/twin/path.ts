import { isJsonObject, type Json, type JsonObject } from './json.ts';

/** The place of a property in a twin section, such as `properties.desired`: its keys, outermost first. At least one key. */
export type Path = readonly string[];

/** Joins the keys with dots: `a.b.c`. IoT Hub allows no dot in a twin key, so {@link parsePath} gives the same keys back. */
export function formatPath(path: Path): string {
  return path.join('.');
}

/** Splits a dotted path into its keys. `''` gives `[]`. */
export function parsePath(text: string): Path {
  return text === '' ? [] : text.split('.');
}

/** The value at a path, or `undefined` when there is none. Inherited properties are ignored. */
export function getAt(root: Json | undefined, path: Path): Json | undefined {
  let value = root;
  for (const key of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/**
 * A copy of `root` with `value` at `path`. Any value on the way that is not an object is replaced by one.
 *
 * @throws {RangeError} when the path is empty.
 */
export function setAt(root: JsonObject, path: Path, value: Json): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) throw new RangeError('A path must have at least one key.');
  const inner = Object.hasOwn(root, key) ? root[key] : undefined;
  const next = rest.length === 0 ? value : setAt(isJsonObject(inner) ? inner : {}, rest, value);
  // A computed key defines an own property, even for `__proto__`.
  return { ...root, [key]: next };
}

/** True when the paths are equal or one is the beginning of the other. A write to one can then change the value at the other. */
export function overlaps(left: Path, right: Path): boolean {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) if (left[index] !== right[index]) return false;
  return true;
}

/**
 * The first value on the way to `path` that is not an object, with its own path. A property can be set at `path` only by replacing
 * this value. `undefined` when nothing blocks the path.
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
