import { isJsonObject, type Json, type JsonObject } from './json.ts';

/** What IoT Hub allows in a twin ("Understand and use device twins in IoT Hub", section "Device twin size"). */
export const twinLimits = {
  /** UTF-8 bytes of a key. */
  keyBytes: 1024,
  /** UTF-8 bytes of a string value. */
  stringBytes: 4096,
  minInteger: -4503599627370496,
  maxInteger: 4503599627370495,
  /** Levels of objects below `properties.desired`, `properties.reported` or `tags`. */
  depth: 10,
  /** Size of `properties.desired` as {@link twinSize} counts it. */
  desiredBytes: 32_768,
  tagsBytes: 8192,
} as const;

/** The size of a twin section as IoT Hub counts it, in bytes: keys and strings in UTF-8, 8 a number, 4 a boolean, `$` metadata left out. */
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

/** One thing that IoT Hub would refuse, and where. `path` is dotted; `''` is the section itself. */
export interface LimitFault {
  readonly path: string;
  readonly message: string;
}

/** All that IoT Hub would refuse in a section's content: keys, strings, integers, depth, `null`s. The total size is not looked at. */
export function limitFaults(section: JsonObject): readonly LimitFault[] {
  const faults: LimitFault[] = [];
  const add = (path: string, message: string) => faults.push({ path, message });

  const visit = (value: Json, path: string, depth: number): void => {
    if (value === null) {
      add(path, 'null cannot be stored in a twin: in a patch it removes the property. Leave it out, or use absent().');
    } else if (typeof value === 'string') {
      const bytes = Buffer.byteLength(value);
      if (bytes > twinLimits.stringBytes)
        add(path, `a string of ${bytes} bytes; a twin takes ${twinLimits.stringBytes}.`);
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) add(path, `${value} is no JSON number.`);
      else if (Number.isInteger(value) && (value < twinLimits.minInteger || value > twinLimits.maxInteger))
        add(path, `${value} is outside the integers a twin takes (±2^52).`);
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) visit(item, `${path}[${index}]`, depth);
    } else if (isJsonObject(value)) {
      if (depth > twinLimits.depth) {
        add(path, `nested more than ${twinLimits.depth} levels deep.`);
        return;
      }
      for (const [key, inner] of Object.entries(value)) {
        const at = path === '' ? key : `${path}.${key}`;
        const fault = keyFault(key);
        if (fault !== undefined) add(at, fault);
        visit(inner, at, depth + 1);
      }
    } else if (typeof value !== 'boolean') {
      add(path, `${String(value)} (${typeof value}) is no JSON value.`);
    }
  };

  visit(section, '', 0);
  return faults;
}

/** Why IoT Hub would refuse this key, or `undefined` when it takes it. */
function keyFault(key: string): string | undefined {
  if (key === '') return 'an empty key.';
  const bytes = Buffer.byteLength(key);
  if (bytes > twinLimits.keyBytes) return `a key of ${bytes} bytes; a twin takes ${twinLimits.keyBytes}.`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
  const forbidden = /[.$ \u0000-\u001f\u007f-\u009f]/.exec(key)?.[0];
  return forbidden === undefined
    ? undefined
    : `the key ${JSON.stringify(key)} holds ${JSON.stringify(forbidden)}, which a twin key cannot.`;
}

/**
 * Whether a value could stand in a twin as far as its depth and its size go. Unlike {@link twinSize}, safe to ask about anything: it
 * goes no deeper than a twin does.
 */
export function fitsTwin(value: Json, depth = 0): boolean {
  if (typeof value === 'string') return value.length <= twinLimits.desiredBytes;
  if (typeof value !== 'object' || value === null) return true;
  // Arrays count here, too: how deep they may go in objects the documents do not say, so there is room to spare.
  if (depth > 4 * twinLimits.depth) return false;
  const inner = Array.isArray(value) ? value : Object.values(value);
  return inner.every((item) => fitsTwin(item, depth + 1)) && (depth > 0 || twinSize(value) <= twinLimits.desiredBytes);
}
