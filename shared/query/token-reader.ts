import { QuerySyntaxError } from './query-syntax-error.ts';
import { type Token, tokenize } from './tokenize.ts';

/** Keywords, in capitals. A path cannot start with one of them, unless it is written in `[[ ]]`. */
export const reservedWords: readonly string[] = [
  ...['SELECT', 'TOP', 'AS', 'FROM', 'WHERE', 'GROUP', 'BY'],
  ...['AND', 'OR', 'NOT', 'IN', 'NIN', 'TRUE', 'FALSE', 'NULL', 'UNDEFINED'],
];

/** Maximum nesting of an expression. IoT Hub documents no limit. Without one, a deep expression would overflow the stack. */
const maxDepth = 100;

/** Reads the tokens of a text one after the other. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  /** @throws {QuerySyntaxError} when a part of the text is not a token. */
  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  /** The next token, or the token `ahead` places after it. At the end of the text, the end token. */
  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new RangeError('A text has at least an end token.');
    return token;
  }

  /** Takes the next token. */
  take(): Token {
    const token = this.peek();
    this.#next += 1;
    return token;
  }

  isSymbol(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.type === 'symbol' && token.text === text;
  }

  isWord(keyword: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.type === 'word' && token.text.toUpperCase() === keyword;
  }

  /** Takes the symbol if it is next. Returns true when it was. */
  takeSymbol(text: string): boolean {
    const isNext = this.isSymbol(text);
    if (isNext) this.#next += 1;
    return isNext;
  }

  /** Takes the keyword if it is next, in upper or lower case. Returns true when it was. `keyword` must be in capitals. */
  takeWord(keyword: string): boolean {
    const isNext = this.isWord(keyword);
    if (isNext) this.#next += 1;
    return isNext;
  }

  expectSymbol(text: string): void {
    if (!this.takeSymbol(text)) throw this.unexpected(`'${text}'`);
  }

  expectWord(keyword: string): void {
    if (!this.takeWord(keyword)) throw this.unexpected(keyword);
  }

  expectEnd(expected: string): void {
    if (this.peek().type !== 'end') throw this.unexpected(expected);
  }

  /** Calls `read` one nesting level deeper. Throws a {@link QuerySyntaxError} beyond 100 levels. */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > maxDepth) {
      throw new QuerySyntaxError(this.peek().position, `nested more than ${maxDepth} levels deep`);
    }
    const result = read();
    this.#depth -= 1;
    return result;
  }

  /** The error for a next token other than the expected one. */
  unexpected(expected: string): QuerySyntaxError {
    const token = this.peek();
    return new QuerySyntaxError(token.position, `expected ${expected}, not ${describeToken(token)}`);
  }
}

function describeToken(token: Token): string {
  const text = token.text.length > 40 ? `${token.text.slice(0, 39)}…` : token.text;
  switch (token.type) {
    case 'end':
      return 'the end';
    case 'string':
      return `the string ${JSON.stringify(text)}`;
    case 'key':
      return `[[${text}]]`;
    default:
      return `'${text}'`;
  }
}
