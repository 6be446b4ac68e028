import type { Json } from '../twin/index.ts';
import { reservedWords } from './token-reader.ts';

/**
 * Words that a query parser might not accept as a key without brackets. The documentation of IoT Hub names only `group` as such a word.
 * The other words are from the documentation of Azure Digital Twins, whose query language is related.
 */
const keywords = new Set([
  ...reservedWords,
  ...'ALL ASC AVG COUNT DESC DEVICES DEVICES_JOBS DEVICES_MODULES IS_OF_MODEL JOIN MAX MIN NOT_IN ORDER SUM'.split(' '),
  ...'ARRAY_CONTAINS CONTAINS ENDSWITH ENDS_WITH STARTSWITH STARTS_WITH'.split(' '),
  ...'IS_ARRAY IS_BOOL IS_DEFINED IS_NULL IS_NUMBER IS_OBJECT IS_PRIMITIVE IS_STRING'.split(' '),
]);

/**
 * Writes a path as text for a query: `['tags', 'a b:c', 'group']` becomes `tags.[[a b:c]].[[group]]`. A key that is not a plain name is
 * written in double brackets. The language has no escape sequences inside the brackets.
 *
 * @returns `undefined` when the path has no key, or when a key cannot be written safely: an empty key, or a key with a bracket, a dot, a
 *   control character or half of a surrogate pair.
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
 * Writes a string, a number or a boolean as text for a query, such as `'it\'s'`, `0.0000001` or `true`. The parser reads the same value
 * from that text.
 *
 * @returns `undefined` for a value that the language cannot compare: `null`, an object, an array, `NaN` or an infinite number.
 */
export function writeLiteral(value: Json): string | undefined {
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') return Number.isFinite(value) ? writeNumber(value) : undefined;
  return typeof value === 'boolean' ? String(value) : undefined;
}

/**
 * Writes a string for a query with ASCII characters and documented escape sequences only. The encoding then cannot change the query, and
 * its length in bytes is known.
 */
function writeString(value: string): string {
  const escaped = value.replace(/['\\]/g, '\\$&').replace(/[^ -~]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `'${escaped}'`;
}

/**
 * Writes the shortest decimal number that is read back as the same value. The text has no exponent, because numbers in the query language
 * are decimals.
 */
function writeNumber(value: number): string {
  const [mantissa = '', exponent] = String(value).split('e');
  if (exponent === undefined) return mantissa;
  const sign = value < 0 ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  return point > 0 ? `${sign}${digits.padEnd(point, '0')}` : `${sign}0.${'0'.repeat(-point)}${digits}`;
}
