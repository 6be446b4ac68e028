/** The limits of twins, from "Tags and properties format" and "Device twin size" in Microsoft's documentation. */
import { invalid, preview } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';

const maxDepth = 10;
const maxKeyBytes = 1024;
const maxStringBytes = 4096;
const minInteger = -4503599627370496;
const maxInteger = 4503599627370495;

/** Maximum size of each twin section in bytes. Error messages use these names of the sections. */
const maxSectionBytes = {
  tags: 8 * 1024,
  'properties.desired': 32 * 1024,
  'properties.reported': 32 * 1024,
} as const;

export type SectionName = keyof typeof maxSectionBytes;

// The characters that a key must not contain: control characters (C0 and C1), dot, dollar sign and space.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern must match control characters.
const forbiddenInKey = /[\u0000-\u001f\u007f-\u009f.$ ]/;

/** Throws 400 if a section or a patch has an invalid key, string or number, or if its values are nested too deep. */
export function checkValues(section: SectionName, values: JsonObject): void {
  // The documentation does not name the number sign, but the service refuses it in desired properties.
  const extra = section === 'properties.desired' ? '#' : '';
  checkNode(values, section, 0, extra);
}

/** Throws 400 if the section is larger than its maximum size. */
export function checkSize(section: SectionName, values: JsonObject): void {
  const size = sizeOf(values);
  const limit = maxSectionBytes[section];
  if (size > limit) throw invalid(`${section} would have ${size} bytes, the limit is ${limit} (${limit / 1024} KB)`);
}

/**
 * The size of a value in bytes, as IoT Hub counts it. A key or string has its number of UTF-8 bytes, a number has 8, and a boolean has 4.
 * Null has 0. An object or array has only the bytes of its content.
 */
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

function checkNode(value: JsonValue, path: string, depth: number, alsoForbidden: string): void {
  if (typeof value === 'string') {
    const bytes = Buffer.byteLength(value);
    if (bytes > maxStringBytes)
      throw invalid(`The string at ${path} has ${bytes} bytes, the limit is ${maxStringBytes}`);
  } else if (typeof value === 'number') {
    if (Number.isInteger(value) && (value < minInteger || value > maxInteger)) {
      throw invalid(`The integer ${value} at ${path} is not between ${minInteger} and ${maxInteger}`);
    }
  } else if (typeof value === 'object' && value !== null) {
    if (depth > maxDepth) throw invalid(`${path} is nested deeper than ${maxDepth} levels`);
    if (Array.isArray(value)) {
      for (const item of value) checkNode(item, path, depth + 1, alsoForbidden);
    } else {
      for (const [key, item] of Object.entries(value as JsonObject)) {
        checkKey(key, path, alsoForbidden);
        checkNode(item, `${path}.${key}`, depth + 1, alsoForbidden);
      }
    }
  }
}

function checkKey(key: string, path: string, alsoForbidden: string): void {
  if (forbiddenInKey.test(key) || (alsoForbidden !== '' && key.includes(alsoForbidden))) {
    throw invalid(
      `The key ${preview(key)} in ${path} must not contain control characters, '.', '$' or spaces, and no '#' in desired properties`,
    );
  }
  const bytes = Buffer.byteLength(key);
  if (bytes > maxKeyBytes) throw invalid(`A key in ${path} has ${bytes} bytes, the limit is ${maxKeyBytes}`);
}
