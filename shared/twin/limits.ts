import { isJsonObject, type Json, type JsonObject } from './json.ts';

/** The limits of IoT Hub for the content of a twin. Source: "Understand and use device twins in IoT Hub", section "Device twin size". */
export const twinLimits = {
  /** Maximum UTF-8 bytes of a key in a twin. */
  keyBytes: 1024,
  /** Maximum UTF-8 bytes of a string value in a twin. */
  stringBytes: 4096,
  minInteger: -4503599627370496,
  maxInteger: 4503599627370495,
  /** Maximum levels of nested objects below `properties.desired`, `properties.reported` or `tags`. */
  depth: 10,
  /** Maximum bytes of `properties.desired`, as {@link twinSize} counts them. */
  desiredBytes: 32_768,
  /** Maximum bytes of `tags`, as {@link twinSize} counts them. */
  tagsBytes: 8192,
} as const;

/**
 * The size in bytes of `tags`, desired properties or reported properties, as IoT Hub counts it. Keys and strings count with their number
 * of UTF-8 bytes. A number counts as 8 bytes, a boolean as 4 and `null` as 0. A key that starts with `$` and its value do not count.
 */
export function twinSize(value: Json): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return 8;
  if (typeof value === 'boolean') return 4;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + twinSize(item), 0);
  if (!isJsonObject(value)) return 0;
  let size = 0;
  for (const [key, inner] of Object.entries(value)) {
    if (!key.startsWith('$')) size += Buffer.byteLength(key) + twinSize(inner);
  }
  return size;
}

/** One reason why IoT Hub would refuse the content of `tags`, of desired properties or of reported properties. */
export interface LimitFault {
  /** Dotted path of the invalid value, such as `a.b[0]`. `''` means the content as a whole. */
  readonly path: string;
  readonly message: string;
}

/**
 * Lists every reason why IoT Hub would refuse the content of `tags`, of desired properties or of reported properties. The function checks
 * keys, strings, numbers, depth and `null`. It does not check the total size. Use {@link twinSize} for that.
 *
 * @param name Which section of the twin. IoT Hub refuses the character `#` in keys of desired properties only.
 */
export function limitFaults(section: JsonObject, name: 'desired' | 'other' = 'other'): readonly LimitFault[] {
  const faults: LimitFault[] = [];
  const add = (path: string, message: string) => faults.push({ path, message });

  const visit = (value: Json, path: string, depth: number): void => {
    if (value === null) {
      add(
        path,
        'a twin cannot hold null, because null in a patch removes the property. Leave it out, or use absent().',
      );
    } else if (typeof value === 'string') {
      const bytes = Buffer.byteLength(value);
      if (bytes > twinLimits.stringBytes)
        add(path, `the string has ${bytes} bytes. A string in a twin can have at most ${twinLimits.stringBytes}.`);
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) add(path, `${value} is not a JSON number.`);
      else if (Number.isInteger(value) && (value < twinLimits.minInteger || value > twinLimits.maxInteger))
        add(path, `${value} is too large. An integer in a twin must be within ±2^52.`);
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, `${path}[${index}]`, depth);
    } else if (isJsonObject(value)) {
      if (depth > twinLimits.depth) {
        add(path, `the value is nested too deeply. A twin can have at most ${twinLimits.depth} levels.`);
        return;
      }
      for (const [key, inner] of Object.entries(value)) {
        const at = path === '' ? key : `${path}.${key}`;
        const fault = keyFault(key, name);
        if (fault !== undefined) add(at, fault);
        visit(inner, at, depth + 1);
      }
    } else if (typeof value !== 'boolean') {
      add(path, `${String(value)} (${typeof value}) is not a JSON value.`);
    }
  };

  visit(section, '', 0);
  return faults;
}

/** The reason why IoT Hub would refuse a key in a twin. `undefined` when the key is valid. */
function keyFault(key: string, section: 'desired' | 'other'): string | undefined {
  if (key === '') return 'a key in a twin cannot be empty.';
  const bytes = Buffer.byteLength(key);
  if (bytes > twinLimits.keyBytes)
    return `the key has ${bytes} bytes. A key in a twin can have at most ${twinLimits.keyBytes}.`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern must match control characters.
  const forbidden = /[.$ \u0000-\u001f\u007f-\u009f]/.exec(key)?.[0];
  if (forbidden !== undefined) {
    return `the key ${JSON.stringify(key)} contains ${JSON.stringify(forbidden)}, which is not allowed in a twin key.`;
  }
  return section === 'desired' && key.includes('#')
    ? `the key ${JSON.stringify(key)} contains "#", which is not allowed in a key of desired properties.`
    : undefined;
}

/**
 * True when a value is small enough for the desired properties of a twin and is not nested too deeply. The value may come from a device:
 * this check stops at 4 times the depth of a twin. {@link twinSize} has no such stop, and a very deep value would overflow the call stack.
 */
export function fitsTwin(value: Json, depth = 0): boolean {
  if (typeof value === 'string') return value.length <= twinLimits.desiredBytes;
  if (typeof value !== 'object' || value === null) return true;
  // Arrays count as levels here, and IoT Hub documents no limit for nested arrays. So the limit here is 4 times the documented limit for
  // objects.
  if (depth > 4 * twinLimits.depth) return false;
  const inner = Array.isArray(value) ? value : Object.values(value);
  return inner.every((item) => fitsTwin(item, depth + 1)) && (depth > 0 || twinSize(value) <= twinLimits.desiredBytes);
}
