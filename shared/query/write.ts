import type { Json } from '../twin/index.ts';
import { reservedWords } from './token-reader.ts';

/**
 * Words that some parser of the language might take for something else than a key. IoT Hub's documents name only `group`; Azure Digital
 * Twins, which has the language from the same family, lists these.
 */
const keywords = new Set([
  ...reservedWords,
  ...'ALL ASC AVG COUNT DESC DEVICES DEVICES_JOBS DEVICES_MODULES IS_OF_MODEL JOIN MAX MIN NOT_IN ORDER SUM'.split(' '),
  ...'ARRAY_CONTAINS CONTAINS ENDSWITH ENDS_WITH STARTSWITH STARTS_WITH'.split(' '),
  ...'IS_ARRAY IS_BOOL IS_DEFINED IS_NULL IS_NUMBER IS_OBJECT IS_PRIMITIVE IS_STRING'.split(' '),
]);

/**
 * A path for a query: `['tags', 'a b:c', 'group']` becomes `tags.[[a b:c]].[[group]]`. Keys that are no plain names stand in double
 * brackets, in which nothing can be escaped.
 *
 * @returns `undefined` when there is no key, or when one of them cannot be written so that it surely means just that: one with a
 *   bracket in it, or with what no twin key can hold (a dot, a control character, nothing at all).
 */
export function writePath(keys: readonly string[]): string | undefined {
  const written = keys.map(writeKey);
  return written.length === 0 || written.includes(undefined) ? undefined : written.join('.');
}

function writeKey(key: string): string | undefined {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) && !keywords.has(key.toUpperCase())) return key;
  return key === '' || !key.isWellFormed() || /[[\].\p{Cc}]/u.test(key) ? undefined : `[[${key}]]`;
}

/**
 * A string, a number or a boolean for a query, so that it is read as this very value: `'it\'s'`, `0.0000001`, `true`.
 *
 * @returns `undefined` for what the language has no word for or cannot compare: `null`, objects, arrays, and numbers that JSON lacks.
 */
export function writeLiteral(value: Json): string | undefined {
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') return Number.isFinite(value) ? writeNumber(value) : undefined;
  return typeof value === 'boolean' ? String(value) : undefined;
}

/** In ASCII, with the escapes that the language documents: it leaves no doubt how a query is decoded, nor how long it is. */
function writeString(value: string): string {
  const escaped = value.replace(/['\\]/g, '\\$&').replace(/[^ -~]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `'${escaped}'`;
}

/** The shortest digits that give the number back, without an exponent: the language's numbers are decimals. */
function writeNumber(value: number): string {
  const [mantissa = '', exponent] = String(value).split('e');
  if (exponent === undefined) return mantissa;
  const sign = value < 0 ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  return point > 0 ? `${sign}${digits.padEnd(point, '0')}` : `${sign}0.${'0'.repeat(-point)}${digits}`;
}
