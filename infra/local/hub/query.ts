/** Queries, `POST /devices/query`, over all twins of the registry as queries see it. */
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
import { invalid, shown } from './errors.ts';
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

/** A query with the text that it was read from, to which continuation tokens are bound. */
export interface QueryRequest {
  readonly text: string;
  readonly query: Query;
}

/** One page of results. No continuation means that it was the last. */
export interface Page {
  readonly items: readonly JsonObject[];
  /** What the hub says in `x-ms-item-type`: whole twins, or something made of them. */
  readonly itemType: 'Twin' | 'Raw';
  readonly continuation?: string;
}

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1000;

/** Reads the body of a query request. Throws 400 on anything that is no query. */
export function parseQuery(body: JsonValue): QueryRequest {
  const text = isObject(body) ? body.query : undefined;
  if (typeof text !== 'string') throw invalid(`A query request is { "query": "…" }, not ${shown(body)}`);
  try {
    return { text, query: parse(text) };
  } catch (error) {
    if (error instanceof QuerySyntaxError) throw invalid(`BadRequest: ${error.message}`);
    throw error;
  }
}

/** Reads `x-ms-max-item-count`; larger pages than the hub gives are cut to its size. Throws 400 unless it is a positive integer. */
export function parsePageSize(header: string | undefined): number {
  if (header === undefined) return DEFAULT_PAGE_SIZE;
  const size = Number(header);
  if (!Number.isInteger(size) || size < 1)
    throw invalid(`x-ms-max-item-count must be a positive integer, not ${shown(header)}`);
  return Math.min(size, MAX_PAGE_SIZE);
}

/**
 * The page after the one that gave this continuation. What is registered meanwhile comes on a later page, what is deleted leaves
 * no gap. Throws 400 on a continuation that is not of this query.
 */
export function runQuery(registry: Registry, request: QueryRequest, pageSize: number, continuation?: string): Page {
  const { text, query } = request;
  const { given, place } = readContinuation(text, continuation);
  const { top = Number.POSITIVE_INFINITY } = query;
  const size = Math.min(pageSize, Math.max(0, top - given));
  const counts = isAggregate(query);
  const results: Iterable<Result> = counts
    ? countResults(query, matching(registry, query, []))
        .map((item, index) => ({ place: [index], item: () => item }))
        .slice(given)
    : twinResults(query, matching(registry, query, place));
  const items: JsonObject[] = [];
  const itemType = query.select === '*' ? 'Twin' : 'Raw';
  let last: readonly number[] = [];
  for (const result of results) {
    if (items.length === size) {
      const next = given + items.length;
      if (next >= top) break;
      return { items, itemType, continuation: writeContinuation(text, { given: next, place: last }) };
    }
    items.push(result.item());
    last = result.place;
  }
  return { items, itemType };
}

interface Result {
  readonly place: readonly number[];
  /** Made only for those that are on the page. */
  item(): JsonObject;
}

function* twinResults({ select }: Query, twins: Iterable<ListedTwin>): Iterable<Result> {
  for (const twin of twins) yield { place: twin.place, item: () => resultFor(twin, select) };
}

function* matching(registry: Registry, { source, where }: Query, after: readonly number[]): Iterable<ListedTwin> {
  const twins = (source === 'devices' ? deviceTwins : moduleTwins)(registry.queried, after);
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
