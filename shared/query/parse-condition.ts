import {
  type ComparisonOperator,
  type Condition,
  type FunctionName,
  functionArity,
  type Primitive,
} from './condition.ts';
import { parsePath, startsPath } from './parse-path.ts';
import { QuerySyntaxError } from './query-syntax-error.ts';
import type { TokenReader } from './token-reader.ts';

const comparisons: Readonly<Record<string, ComparisonOperator>> = {
  '=': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};

/** Other spellings of two functions, with an underscore. The documentation of message routes uses these spellings. */
const synonyms: Readonly<Record<string, FunctionName>> = { STARTS_WITH: 'STARTSWITH', ENDS_WITH: 'ENDSWITH' };

/**
 * Reads a condition, and stops at the first token after the condition. Comparisons bind most tightly, then `NOT`, then `AND`, then `OR`.
 */
export function parseExpression(tokens: TokenReader): Condition {
  const parseConjunction = () => parseOperands(tokens, 'AND', () => parseNegation(tokens));
  return parseOperands(tokens, 'OR', parseConjunction);
}

/** Reads one operand, or several operands with `AND` or `OR` between them. `parseNext` reads one operand. */
function parseOperands(tokens: TokenReader, keyword: 'AND' | 'OR', parseNext: () => Condition): Condition {
  const first = parseNext();
  if (!tokens.isWord(keyword)) return first;
  const operands = [first];
  while (tokens.takeWord(keyword)) operands.push(parseNext());
  return { type: keyword === 'AND' ? 'and' : 'or', operands };
}

function parseNegation(tokens: TokenReader): Condition {
  if (!tokens.takeWord('NOT')) return parseComparison(tokens);
  return { type: 'not', operand: tokens.nested(() => parseNegation(tokens)) };
}

function parseComparison(tokens: TokenReader): Condition {
  const left = parseOperand(tokens);
  if (tokens.isWord('NOT') && tokens.isWord('IN', 1)) throw tokens.unexpected('NIN in place of NOT IN');
  for (const word of ['IN', 'NIN'] as const) {
    if (tokens.takeWord(word)) return { type: 'in', negated: word === 'NIN', operand: left, values: parseList(tokens) };
  }
  const { type, text } = tokens.peek();
  const operator = type === 'symbol' && Object.hasOwn(comparisons, text) ? comparisons[text] : undefined;
  if (operator === undefined) return left;
  tokens.take();
  return { type: 'compare', operator, left, right: parseOperand(tokens) };
}

function parseOperand(tokens: TokenReader): Condition {
  if (tokens.takeSymbol('(')) {
    const inner = tokens.nested(() => parseExpression(tokens));
    tokens.expectSymbol(')');
    return inner;
  }
  const literal = parseLiteral(tokens);
  if (literal !== undefined) return { type: 'literal', value: literal.value };
  if (tokens.peek().type === 'word' && tokens.isSymbol('(', 1)) return parseCall(tokens);
  if (startsPath(tokens)) return { type: 'path', path: parsePath(tokens).path };
  throw tokens.unexpected('a path, a value, a function or NOT');
}

function parseCall(tokens: TokenReader): Condition {
  const { text, position } = tokens.take();
  const name = synonyms[text.toUpperCase()] ?? text.toUpperCase();
  if (!isFunction(name)) {
    throw new QuerySyntaxError(
      position,
      `${text} is not a function. The functions are ${Object.keys(functionArity).join(', ')}`,
    );
  }
  tokens.expectSymbol('(');
  const operands: Condition[] = [];
  for (let index = 0; index < functionArity[name]; index += 1) {
    if (index > 0) tokens.expectSymbol(',');
    if (name === 'IS_DEFINED' && !startsPath(tokens)) throw tokens.unexpected('a path such as properties.desired.x');
    operands.push(tokens.nested(() => parseExpression(tokens)));
  }
  tokens.expectSymbol(')');
  return { type: 'call', name, operands };
}

function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(functionArity, name);
}

function parseList(tokens: TokenReader): readonly (Primitive | undefined)[] {
  tokens.expectSymbol('[');
  const values: (Primitive | undefined)[] = [];
  do {
    const literal = parseLiteral(tokens);
    if (literal === undefined) throw tokens.unexpected('a string, a number, true, false or null');
    values.push(literal.value);
  } while (tokens.takeSymbol(','));
  tokens.expectSymbol(']');
  return values;
}

function parseLiteral(tokens: TokenReader): { readonly value: Primitive | undefined } | undefined {
  const token = tokens.peek();
  if (token.type === 'string' || token.type === 'number') {
    tokens.take();
    return { value: token.type === 'string' ? token.text : token.value };
  }
  if (tokens.takeWord('TRUE')) return { value: true };
  if (tokens.takeWord('FALSE')) return { value: false };
  if (tokens.takeWord('NULL')) return { value: null };
  return tokens.takeWord('UNDEFINED') ? { value: undefined } : undefined;
}
