/** Queries, `POST /devices/query`, over the registry's twins. */
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

/** A parsed query with its text. Continuation tokens are bound to the text. */
export interface QueryRequest {
  readonly text: string;
  readonly query: Query;
}

/** One page of results. The last page has no continuation. */
export interface Page {
  readonly items: readonly JsonObject[];
  /** The header `x-ms-item-type`: `Twin` for whole twins, `Raw` for selected values and counts. */
  readonly itemType: 'Twin' | 'Raw';
  readonly continuation?: string;
}

const defaultPageSize = 100;
const maxPageSize = 1000;

/** Reads the body of a query request. Throws 400 on an invalid query. */
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

/** The page size in the header `x-ms-max-item-count`: by default 100, at most 1000. Throws 400 unless it is a positive integer. */
export function parsePageSize(header: string | undefined): number {
  if (header === undefined) return defaultPageSize;
  const size = Number(header);
  if (!Number.isInteger(size) || size < 1)
    throw invalid(`x-ms-max-item-count must be a positive integer, not ${preview(header)}`);
  return Math.min(size, maxPageSize);
}

/**
 * Runs a query and returns one page: the first, or the one at `continuation`. Twins registered between two pages come on a later
 * page, and deleted twins leave no gap. Throws 400 on the continuation of another query.
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
  /** Position of the result, from which the next page continues. */
  readonly cursor: readonly number[];
  /** Renders the result. Only results on the page are rendered. */
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
