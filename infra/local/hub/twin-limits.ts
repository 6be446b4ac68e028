/** The limits of twins: "Device twins: tags and properties format" and "Device twin size" in Microsoft's documentation. */
import { invalid, shown } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';

export const MAX_DEPTH = 10;
export const MAX_KEY_BYTES = 1024;
export const MAX_STRING_BYTES = 4096;
export const MIN_INTEGER = -4503599627370496;
export const MAX_INTEGER = 4503599627370495;

/** The sections of a twin, under the names that errors use, with their largest size in bytes. */
export const MAX_SECTION_BYTES = {
  tags: 8 * 1024,
  'properties.desired': 32 * 1024,
  'properties.reported': 32 * 1024,
} as const;

export type SectionName = keyof typeof MAX_SECTION_BYTES;

// Control characters of segments C0 and C1, and the three that paths and metadata are made of.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const FORBIDDEN_IN_KEY = /[\u0000-\u001f\u007f-\u009f.$ ]/;

/** Throws 400 if the section, or a patch of it, has a key, string, number or depth that a twin cannot have. */
export function checkValues(section: SectionName, values: JsonObject): void {
  checkNode(values, section, 0);
}

/** Throws 400 if the section is larger than a twin's section may be. */
export function checkSize(section: SectionName, values: JsonObject): void {
  const size = sizeOf(values);
  const limit = MAX_SECTION_BYTES[section];
  if (size > limit) throw invalid(`${section} would have ${size} bytes, and may have ${limit} (${limit / 1024} KB)`);
}

/** The size that counts against the limit: keys and strings in UTF-8, 8 for a number, 4 for a boolean; containers add nothing. */
export function sizeOf(value: JsonValue): number {
  switch (typeof value) {
    case 'string':
      return Buffer.byteLength(value);
    case 'number':
      return 8;
    case 'boolean':
      return 4;
  }
  if (value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + sizeOf(item), 0);
  return Object.entries(value as JsonObject).reduce(
    (sum, [key, item]) => sum + Buffer.byteLength(key) + sizeOf(item),
    0,
  );
}

function checkNode(value: JsonValue, path: string, depth: number): void {
  if (typeof value === 'string') {
    const bytes = Buffer.byteLength(value);
    if (bytes > MAX_STRING_BYTES)
      throw invalid(`The string at ${path} has ${bytes} bytes, and may have ${MAX_STRING_BYTES}`);
  } else if (typeof value === 'number') {
    if (Number.isInteger(value) && (value < MIN_INTEGER || value > MAX_INTEGER)) {
      throw invalid(`The integer ${value} at ${path} is not between ${MIN_INTEGER} and ${MAX_INTEGER}`);
    }
  } else if (typeof value === 'object' && value !== null) {
    if (depth > MAX_DEPTH) throw invalid(`${path} is deeper than ${MAX_DEPTH} levels`);
    if (Array.isArray(value)) {
      for (const item of value) checkNode(item, path, depth + 1);
    } else {
      for (const [key, item] of Object.entries(value as JsonObject)) {
        checkKey(key, path);
        checkNode(item, `${path}.${key}`, depth + 1);
      }
    }
  }
}

function checkKey(key: string, path: string): void {
  if (FORBIDDEN_IN_KEY.test(key)) {
    throw invalid(`The key ${shown(key)} in ${path} may not have control characters, '.', '$' or a space`);
  }
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) throw invalid(`A key in ${path} has ${bytes} bytes, and may have ${MAX_KEY_BYTES}`);
}
