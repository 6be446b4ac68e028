import { QuerySyntaxError } from './query-syntax-error.ts';

/** "Query expressions can have a maximum length of 8192 characters." (Queries for IoT Hub device and module twins, limitations) */
export const maxQueryLength = 8192;

export type Token =
  /** A keyword, a function's name or a key: only its place tells which. */
  | { readonly type: 'word'; readonly position: number; readonly text: string }
  /** A key in `[[ ]]`, without them. */
  | { readonly type: 'key'; readonly position: number; readonly text: string }
  | { readonly type: 'string'; readonly position: number; readonly text: string }
  | { readonly type: 'number'; readonly position: number; readonly text: string; readonly value: number }
  | { readonly type: 'symbol'; readonly position: number; readonly text: string }
  | { readonly type: 'end'; readonly position: number; readonly text: '' };

const blank = /\s*/y;
const word = /[\p{L}_$][\p{L}\p{N}_$]*/uy;
// A key may end in `]`, so the last two brackets of a row of them are the closing ones.
const escapedKey = /\[\[(.+?)\]\](?!\])/sy;
const number = /[+-]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\p{L}\p{N}_$])/uy;
const symbol = /<=|>=|<>|!=|[=<>()[\],.*;]/y;
const string = /(['"])((?:\\.|(?!\1|\\).)*)\1/sy;

/** Cuts a text into its tokens; the last is always the end. Throws a {@link QuerySyntaxError} on what is none, and on a text over 8192 characters. */
export function tokenize(text: string): readonly Token[] {
  if (text.length > maxQueryLength) {
    throw new QuerySyntaxError(maxQueryLength, `${text.length} characters, and a query may have ${maxQueryLength}`);
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
  const found = (pattern: RegExp) => match(pattern, text, position);
  const aWord = found(word);
  if (aWord !== undefined) return [{ type: 'word', position, text: aWord[0] }, aWord[0].length];
  const aNumber = found(number);
  if (aNumber !== undefined) {
    const value = toNumber(aNumber[0]);
    if (!Number.isFinite(value)) throw new QuerySyntaxError(position, `${aNumber[0]} is too large a number`);
    return [{ type: 'number', position, text: aNumber[0], value }, aNumber[0].length];
  }
  if (text.startsWith('[[', position)) {
    const [whole, key] = found(escapedKey) ?? [];
    if (whole === undefined || key === undefined) throw new QuerySyntaxError(position, 'a key that no ]] ends');
    return [{ type: 'key', position, text: key }, whole.length];
  }
  const aSymbol = found(symbol);
  if (aSymbol !== undefined) return [{ type: 'symbol', position, text: aSymbol[0] }, aSymbol[0].length];
  if (text[position] === "'" || text[position] === '"') {
    const [whole, , inner] = found(string) ?? [];
    if (whole === undefined || inner === undefined) {
      throw new QuerySyntaxError(position, `a string that no ${text[position]} ends`);
    }
    return [{ type: 'string', position, text: withoutEscapes(inner, position + 1) }, whole.length];
  }
  const character = String.fromCodePoint(text.codePointAt(position) ?? 0);
  throw new QuerySyntaxError(
    position,
    `'${character}' has no meaning here. Strings stand in quotes, keys with special characters in [[ ]]`,
  );
}

function match(pattern: RegExp, text: string, position: number): RegExpExecArray | undefined {
  pattern.lastIndex = position;
  return pattern.exec(text) ?? undefined;
}

function toNumber(text: string): number {
  const [, sign, digits = ''] = /^([+-]?)(.*)$/.exec(text) ?? [];
  return sign === '-' ? -Number(digits) : Number(digits);
}

/** "Allowed escapes: \', \", \\, \uXXXX for Unicode characters defined by 4 hexadecimal digits." */
function withoutEscapes(inner: string, position: number): string {
  return inner.replace(
    /\\(?:u([0-9a-fA-F]{4})|(.))/gs,
    (whole, code: string | undefined, quoted: string, at: number) => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      if (quoted === "'" || quoted === '"' || quoted === '\\') return quoted;
      throw new QuerySyntaxError(
        position + at,
        `${whole} is no escape. There are \\' \\" \\\\ and \\u with four digits`,
      );
    },
  );
}
