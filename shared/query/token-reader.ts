import { QuerySyntaxError } from './query-syntax-error.ts';
import { type Token, tokenize } from './tokenize.ts';

/** The keywords of the query language, in capitals. A path can start with a keyword only when the keyword is written in `[[ ]]`. */
export const reservedWords: readonly string[] = [
  ...['SELECT', 'TOP', 'AS', 'FROM', 'WHERE', 'GROUP', 'BY'],
  ...['AND', 'OR', 'NOT', 'IN', 'NIN', 'TRUE', 'FALSE', 'NULL', 'UNDEFINED'],
];

/** Maximum depth of nested expressions. IoT Hub documents no limit. Without a limit, a deep expression would overflow the call stack. */
const maxDepth = 100;

/** Reads the tokens of a query one after the other. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  /** @throws {QuerySyntaxError} when a part of the text is not a token, or the text is too long. */
  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  /** The next token, or the token `ahead` places after the next one. After the last token, the end token. The reader does not move. */
  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new RangeError('A text has at least an end token.');
    return token;
  }

  /** Returns the next token, and moves the reader past that token. */
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

  /** Moves the reader past the next token when that token is this symbol. Returns false when it is another token. */
  takeSymbol(text: string): boolean {
    const isNext = this.isSymbol(text);
    if (isNext) this.#next += 1;
    return isNext;
  }

  /**
   * Moves the reader past the next token when that token is this keyword. `keyword` must be in capitals. In the query, the keyword may be
   * in upper or lower case. Returns false when the next token is another one.
   */
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

  /** Calls `read` for an expression that is nested one level deeper. Throws a {@link QuerySyntaxError} beyond 100 levels. */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > maxDepth) {
      throw new QuerySyntaxError(this.peek().position, `nested more than ${maxDepth} levels deep`);
    }
    const result = read();
    this.#depth -= 1;
    return result;
  }

  /** The error for a next token that the parser did not expect. `expected` describes the token that the parser expected. */
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
