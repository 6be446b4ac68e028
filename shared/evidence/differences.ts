import { isJsonObject, type Json } from '../twin/index.ts';

/** A value that differs between two definitions. */
export interface Difference {
  /** Dotted path of the value. `''` when the definitions themselves are not both objects. */
  readonly path: string;
  /** The value in the first definition. Absent when it has none. */
  readonly before?: Json;
  /** The value in the second definition. Absent when it has none. */
  readonly after?: Json;
}

/** The values that differ between two JSON values, in alphabetical order of their paths. Lists are compared as a whole. Pure. */
export function differences(before: Json | undefined, after: Json | undefined, path = ''): readonly Difference[] {
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => differences(own(before, key), own(after, key), path === '' ? key : `${path}.${key}`));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [{ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
}

function own(object: Readonly<Record<string, Json>>, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
