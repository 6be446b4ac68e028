import { jsonEquals, type Path } from '../twin/index.ts';
import type { Condition } from './condition.ts';
import { parseExpression } from './parse-condition.ts';
import { parsePath } from './parse-path.ts';
import { isAggregate, type Query, type Selected, type Source } from './query.ts';
import { QuerySyntaxError } from './query-syntax-error.ts';
import { TokenReader } from './token-reader.ts';

/**
 * Reads a query:
 * `SELECT [TOP n] * | path [AS alias], … | COUNT() [AS alias] FROM devices | devices.modules [WHERE condition] [GROUP BY path, …]`.
 * Keywords may be in upper or lower case.
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 *
 * @throws {QuerySyntaxError} when the text has another form.
 */
export function parseQuery(text: string): Query {
  const tokens = new TokenReader(text);
  tokens.expectWord('SELECT');
  const top = parseTop(tokens);
  const select = parseSelection(tokens);
  tokens.expectWord('FROM');
  const source = parseSource(tokens);
  const where = tokens.takeWord('WHERE') ? parseExpression(tokens) : undefined;
  const groupByPosition = tokens.peek().position;
  const groupBy = parseGroupBy(tokens);
  tokens.takeSymbol(';');
  tokens.expectEnd(expectedAfter(where, groupBy));
  const query: Query = {
    ...(top === undefined ? {} : { top }),
    select,
    source,
    ...(where === undefined ? {} : { where }),
    ...(groupBy === undefined ? {} : { groupBy }),
  };
  checkAggregate(query, groupByPosition);
  return query;
}

/**
 * Reads a condition without the rest of a query, such as `tags.a = 1`.
 *
 * @throws {QuerySyntaxError} when the text is not a condition.
 */
export function parseCondition(text: string): Condition {
  const tokens = new TokenReader(text);
  const condition = parseExpression(tokens);
  tokens.expectEnd('AND, OR, or the end');
  return condition;
}

/**
 * The twins that an automatic configuration targets. `source` is either device twins or module twins. `condition` selects all of them,
 * none, or the twins that meet a condition.
 */
export interface TargetCondition {
  readonly source: Source;
  readonly condition: Condition | 'all' | 'none';
}

/**
 * Reads the target condition of an automatic configuration. `*` targets every device, and an empty text targets no device. A condition for
 * modules starts with `FROM devices.modules`.
 * https://learn.microsoft.com/azure/iot-hub/iot-hub-automatic-device-management
 *
 * @throws {QuerySyntaxError} when the text is not a target condition.
 */
export function parseTargetCondition(text: string): TargetCondition {
  const tokens = new TokenReader(text);
  if (tokens.peek().type === 'end') return { source: 'devices', condition: 'none' };
  const source = tokens.takeWord('FROM') ? parseSource(tokens) : undefined;
  if (source !== undefined && tokens.peek().type === 'end') return { source, condition: 'all' };
  if (source !== undefined) tokens.expectWord('WHERE');
  const condition = tokens.takeSymbol('*') ? 'all' : parseExpression(tokens);
  tokens.expectEnd('AND, OR, or the end');
  return { source: source ?? 'devices', condition };
}

function parseTop(tokens: TokenReader): number | undefined {
  if (!tokens.takeWord('TOP')) return undefined;
  const inParentheses = tokens.takeSymbol('(');
  const token = tokens.peek();
  if (token.type !== 'number' || !Number.isInteger(token.value) || token.value < 1) {
    throw tokens.unexpected('a number of results, 1 or more, after TOP');
  }
  tokens.take();
  if (inParentheses) tokens.expectSymbol(')');
  return token.value;
}

function parseSelection(tokens: TokenReader): Query['select'] {
  if (tokens.takeSymbol('*')) return '*';
  const selected: Selected[] = [];
  do selected.push(parseSelected(tokens, selected.length + 1));
  while (tokens.takeSymbol(','));
  return selected;
}

function parseSelected(tokens: TokenReader, number: number): Selected {
  if (tokens.isWord('COUNT') && tokens.isSymbol('(', 1)) {
    tokens.take();
    tokens.expectSymbol('(');
    tokens.expectSymbol(')');
    // IoT Hub does not document the name of a `COUNT()` without an alias. The query language is a part of that of Cosmos DB, which names
    // such values `$1`, `$2` and so on.
    return { type: 'count', key: parseAlias(tokens) ?? `$${number}` };
  }
  const { path, lastKey } = parsePath(tokens);
  return { type: 'value', key: parseAlias(tokens) ?? lastKey, path };
}

function parseAlias(tokens: TokenReader): string | undefined {
  if (!tokens.takeWord('AS')) return undefined;
  const { type } = tokens.peek();
  if (type !== 'word' && type !== 'key') throw tokens.unexpected('a name after AS');
  return tokens.take().text;
}

function parseSource(tokens: TokenReader): Source {
  if (!tokens.takeWord('DEVICES')) throw tokens.unexpected('devices or devices.modules');
  if (!tokens.takeSymbol('.')) return 'devices';
  if (!tokens.takeWord('MODULES')) throw tokens.unexpected('modules');
  return 'devices.modules';
}

function parseGroupBy(tokens: TokenReader): readonly Path[] | undefined {
  if (!tokens.takeWord('GROUP')) return undefined;
  tokens.expectWord('BY');
  const paths: Path[] = [];
  do paths.push(parsePath(tokens).path);
  while (tokens.takeSymbol(','));
  return paths;
}

function expectedAfter(where: Condition | undefined, groupBy: readonly Path[] | undefined): string {
  if (groupBy !== undefined) return "',' or the end";
  return where === undefined ? 'WHERE, GROUP BY or the end' : 'AND, OR, GROUP BY or the end';
}

function checkAggregate(query: Query, position: number): void {
  if (!isAggregate(query)) return;
  const { select, groupBy = [] } = query;
  if (select === '*') throw new QuerySyntaxError(position, 'SELECT * cannot have GROUP BY');
  for (const selected of select) {
    if (selected.type === 'count' || groupBy.some((path) => jsonEquals(path, selected.path))) continue;
    throw new QuerySyntaxError(
      position,
      `a query with COUNT() or GROUP BY can select ${selected.path.join('.')} only when it is in GROUP BY`,
    );
  }
}
