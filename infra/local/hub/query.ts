/** Runs queries (`POST /devices/query`) on the twins of the registry. */
import {
  type Condition,
  isAggregate,
  parseQuery as parse,
  pathsIn,
  predicateOf,
  type Query,
  QuerySyntaxError,
} from '../../../shared/query/index.ts';
import { readContinuation, writeContinuation } from './continuation.ts';
import { invalid, preview } from './errors.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import { countResults, resultFor } from './query-result.ts';
import {
  deviceTwins,
  isAmongValues,
  type ListedTwin,
  moduleTwins,
  renderValues,
  renderWhole,
} from './registered-twin.ts';
import type { Registry } from './registry.ts';

/** A parsed query and its text. A continuation token is valid only for the same text. */
export interface QueryRequest {
  readonly text: string;
  readonly query: Query;
}

/** One page of query results. The last page has no `continuation`. */
export interface Page {
  readonly items: readonly JsonObject[];
  /** Value of the header `x-ms-item-type`: `Twin` for whole twins, `Raw` for selected values and for counts. */
  readonly itemType: 'Twin' | 'Raw';
  readonly continuation?: string;
}

const defaultPageSize = 100;
const maxPageSize = 1000;

/** Reads the body of a query request. Throws 400 if the query is invalid. */
export function parseQuery(body: JsonValue): QueryRequest {
  const text = isObject(body) ? body.query : undefined;
  if (typeof text !== 'string') throw invalid(`A query request is { "query": "…" }, not ${preview(body)}`);
  try {
    return { text, query: parse(text) };
  } catch (error) {
    if (error instanceof QuerySyntaxError) throw invalid(`BadRequest: ${error.message}`);
    throw error;
  }
}

/**
 * Reads the number of results on a page from the header `x-ms-max-item-count`. The default is 100, and the maximum is 1000. Throws 400
 * unless the number is a positive integer.
 */
export function parsePageSize(header: string | undefined): number {
  if (header === undefined) return defaultPageSize;
  const size = Number(header);
  if (!Number.isInteger(size) || size < 1)
    throw invalid(`x-ms-max-item-count must be a positive integer, not ${preview(header)}`);
  return Math.min(size, maxPageSize);
}

/**
 * Runs a query and returns one page of results: the page at `continuation`, or else the first page. A twin that is registered between two
 * pages appears on a later page. A twin that is deleted between two pages leaves no gap. Throws 400 if `continuation` belongs to another
 * query.
 */
export function runQuery(registry: Registry, request: QueryRequest, pageSize: number, continuation?: string): Page {
  const { text, query } = request;
  const { returned, cursor } = readContinuation(text, continuation);
  const { top = Number.POSITIVE_INFINITY } = query;
  const size = Math.min(pageSize, Math.max(0, top - returned));
  const counts = isAggregate(query);
  const results: Iterable<Result> = counts
    ? countResults(query, matching(registry, query, []))
        .map((item, index) => ({ cursor: [index], item: () => item }))
        .slice(returned)
    : twinResults(query, matching(registry, query, cursor));
  const items: JsonObject[] = [];
  const itemType = query.select === '*' ? 'Twin' : 'Raw';
  let last: readonly number[] = [];
  for (const result of results) {
    if (items.length === size) {
      const next = returned + items.length;
      if (next >= top) break;
      return { items, itemType, continuation: writeContinuation(text, { returned: next, cursor: last }) };
    }
    items.push(result.item());
    last = result.cursor;
  }
  return { items, itemType };
}

interface Result {
  /** Position of the result. The next page of results starts after the position of this page's last result. */
  readonly cursor: readonly number[];
  /** Creates the JSON of the result. Called only for results on the returned page. */
  item(): JsonObject;
}

function* twinResults({ select }: Query, twins: Iterable<ListedTwin>): Iterable<Result> {
  for (const twin of twins) yield { cursor: twin.cursor, item: () => resultFor(twin, select) };
}

function* matching(registry: Registry, { source, where }: Query, after: readonly number[]): Iterable<ListedTwin> {
  const twins = (source === 'devices' ? deviceTwins : moduleTwins)(registry.queryView, after);
  if (where === undefined) {
    yield* twins;
    return;
  }
  const matches = matcherOf(where);
  for (const twin of twins) if (matches(twin)) yield twin;
}

function matcherOf(where: Condition): (twin: ListedTwin) => boolean {
  const holds = predicateOf(where);
  const render = pathsIn(where).every(isAmongValues) ? renderValues : renderWhole;
  return ({ target, registered }) => holds(render(target, registered));
}
