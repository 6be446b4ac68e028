import { isJsonObject, type Json, type JsonObject } from './json.ts';

/** Where a property sits below `properties.desired`: its keys from the outside in, at least one. */
export type Path = readonly string[];

/** `a.b.c`. Twin keys hold no dot (azure-facts: key rules of IoT Hub), so this is unambiguous and {@link parsePath} undoes it. */
export function formatPath(path: Path): string {
  return path.join('.');
}

/** The keys of a dotted path. `''` is no path: it gives `[]`. */
export function parsePath(text: string): Path {
  return text === '' ? [] : text.split('.');
}

/** The value at a path, or `undefined` where there is none. Only own properties are looked at. */
export function getAt(root: Json | undefined, path: Path): Json | undefined {
  let value = root;
  for (const key of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** A new object in which `path` holds `value`; objects on the way are copied, anything else on the way is replaced. */
export function setAt(root: JsonObject, path: Path, value: Json): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) throw new RangeError('A path must have at least one key.');
  const inner = Object.hasOwn(root, key) ? root[key] : undefined;
  const next = rest.length === 0 ? value : setAt(isJsonObject(inner) ? inner : {}, rest, value);
  // A computed key defines an own property even when it is `__proto__`.
  return { ...root, [key]: next };
}

/** True when one path lies on, above or below the other: when a write to one can change the other. */
export function overlaps(left: Path, right: Path): boolean {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) if (left[index] !== right[index]) return false;
  return true;
}

/** What stands in the way of a path: the first level on it that holds something, but no object to go on into. */
export function obstacleOn(root: JsonObject, path: Path): { readonly path: Path; readonly value: Json } | undefined {
  for (let length = 1; length < path.length; length++) {
    const upTo = path.slice(0, length);
    const value = getAt(root, upTo);
    if (value === undefined || value === null) return undefined;
    if (!isJsonObject(value)) return { path: upTo, value };
  }
  return undefined;
}
