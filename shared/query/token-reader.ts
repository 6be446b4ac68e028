import { QuerySyntaxError } from './query-syntax-error.ts';
import { type Token, tokenize } from './tokenize.ts';

/** Words that are no keys where a key may stand first, and are better written in `[[ ]]` anywhere. In capitals. */
export const reservedWords: readonly string[] = [
  ...['SELECT', 'TOP', 'AS', 'FROM', 'WHERE', 'GROUP', 'BY'],
  ...['AND', 'OR', 'NOT', 'IN', 'NIN', 'TRUE', 'FALSE', 'NULL', 'UNDEFINED'],
];

/**
 * How deep expressions may be nested. The documentation names no limit, a stack has one, and nobody writes by hand what is deeper.
 */
const maxDepth = 100;

/** The tokens of a text, one after the other. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  /** Throws a {@link QuerySyntaxError} where the text is none that can be cut into tokens. */
  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  /** The token that comes next, or the one so many after it. */
  peek(ahead = 0): Token {
    const token = this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new RangeError('A text has at least its end.');
    return token;
  }

  /** Takes whatever comes next. */
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

  /** Takes the symbol if it comes next, and says whether it did. */
  takeSymbol(text: string): boolean {
    const is = this.isSymbol(text);
    if (is) this.#next += 1;
    return is;
  }

  /** Takes the keyword, given in capitals, if it comes next in any case, and says whether it did. */
  takeWord(keyword: string): boolean {
    const is = this.isWord(keyword);
    if (is) this.#next += 1;
    return is;
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

  /** Reads something one level deeper. Throws when that is too deep. */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > maxDepth) {
      throw new QuerySyntaxError(this.peek().position, `nested more than ${maxDepth} levels deep`);
    }
    const result = read();
    this.#depth -= 1;
    return result;
  }

  /** The error for the token that comes next, where something else should. */
  unexpected(expected: string): QuerySyntaxError {
    const token = this.peek();
    return new QuerySyntaxError(token.position, `expected ${expected}, not ${shown(token)}`);
  }
}

function shown(token: Token): string {
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
