import { QuerySyntaxError } from './query-syntax-error.ts';

/** Maximum number of characters in a query. Source: "Queries for IoT Hub device and module twins", section "Limitations". */
export const maxQueryLength = 8192;

/** A token, the smallest unit of a query. `position` is the number of characters before the token. */
export type Token =
  /** A keyword, a function name or a key without brackets. The parser decides which of them it is. */
  | { readonly type: 'word'; readonly position: number; readonly text: string }
  /** A key that is written in `[[ ]]`. `text` is the key without the brackets. */
  | { readonly type: 'key'; readonly position: number; readonly text: string }
  | { readonly type: 'string'; readonly position: number; readonly text: string }
  | { readonly type: 'number'; readonly position: number; readonly text: string; readonly value: number }
  | { readonly type: 'symbol'; readonly position: number; readonly text: string }
  | { readonly type: 'end'; readonly position: number; readonly text: '' };

const blank = /\s*/y;
const word = /[\p{L}_$][\p{L}\p{N}_$]*/uy;
// A key may itself end with `]`, as in `[[a]]]`. In such a row of brackets, the last two end the notation.
const escapedKey = /\[\[(.+?)\]\](?!\])/sy;
const number = /[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\p{L}\p{N}_$])/uy;
const symbol = /<=|>=|<>|!=|[=<>()[\],.*;]/y;
const string = /(['"])((?:\\.|(?!\1|\\).)*)\1/sy;

/**
 * Splits the text of a query into tokens. The last token is always the end token.
 *
 * @throws {QuerySyntaxError} when a part of the text is not a token, or when the text has more than 8192 characters.
 */
export function tokenize(text: string): readonly Token[] {
  if (text.length > maxQueryLength) {
    throw new QuerySyntaxError(
      maxQueryLength,
      `the query has ${text.length} characters. A query can have at most ${maxQueryLength}`,
    );
  }
  const tokens: Token[] = [];
  let position = match(blank, text, 0)?.[0].length ?? 0;
  while (position < text.length) {
    const [token, length] = tokenAt(text, position);
    tokens.push(token);
    position += length;
    position += match(blank, text, position)?.[0].length ?? 0;
  }
  return [...tokens, { type: 'end', position, text: '' }];
}

function tokenAt(text: string, position: number): readonly [token: Token, length: number] {
  const find = (pattern: RegExp) => match(pattern, text, position);
  const foundWord = find(word);
  if (foundWord !== undefined) return [{ type: 'word', position, text: foundWord[0] }, foundWord[0].length];
  const foundNumber = find(number);
  if (foundNumber !== undefined) {
    const value = toNumber(foundNumber[0]);
    if (!Number.isFinite(value)) throw new QuerySyntaxError(position, `the number ${foundNumber[0]} is too large`);
    return [{ type: 'number', position, text: foundNumber[0], value }, foundNumber[0].length];
  }
  if (text.startsWith('[[', position)) {
    const [whole, key] = find(escapedKey) ?? [];
    if (whole === undefined || key === undefined) throw new QuerySyntaxError(position, 'the key has no closing ]]');
    return [{ type: 'key', position, text: key }, whole.length];
  }
  const foundSymbol = find(symbol);
  if (foundSymbol !== undefined) return [{ type: 'symbol', position, text: foundSymbol[0] }, foundSymbol[0].length];
  if (text[position] === "'" || text[position] === '"') {
    const [whole, , inner] = find(string) ?? [];
    if (whole === undefined || inner === undefined) {
      throw new QuerySyntaxError(position, `the string has no closing ${text[position]}`);
    }
    return [{ type: 'string', position, text: decodeEscapes(inner, position + 1) }, whole.length];
  }
  const character = String.fromCodePoint(text.codePointAt(position) ?? 0);
  throw new QuerySyntaxError(
    position,
    `unexpected '${character}'. Put strings in quotes, and keys with special characters in [[ ]]`,
  );
}

/** Matches a sticky regular expression at exactly this position. Returns `undefined` when it does not match. */
function match(pattern: RegExp, text: string, position: number): RegExpExecArray | undefined {
  pattern.lastIndex = position;
  return pattern.exec(text) ?? undefined;
}

function toNumber(text: string): number {
  const [, sign, digits = ''] = /^([+-]?)(.*)$/.exec(text) ?? [];
  return sign === '-' ? -Number(digits) : Number(digits);
}

/**
 * Replaces the escape sequences in a string of a query. IoT Hub documents four: `\'`, `\"`, `\\`, and `\uXXXX` with 4 hexadecimal digits.
 */
function decodeEscapes(inner: string, position: number): string {
  return inner.replace(
    /\\(?:u([0-9a-fA-F]{4})|(.))/gs,
    (whole, code: string | undefined, quoted: string, at: number) => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      if (quoted === "'" || quoted === '"' || quoted === '\\') return quoted;
      throw new QuerySyntaxError(
        position + at,
        `${whole} is not an escape. The escapes are \\' \\" \\\\ and \\u with four hexadecimal digits`,
      );
    },
  );
}
