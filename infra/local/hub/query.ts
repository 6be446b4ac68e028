/**
 * Queries, `POST /devices/query`. So far the hub knows two: all device twins and all module twins. A real language goes here: a
 * `parseQuery` that understands more, and a `matches` and projection in `runQuery`.
 */
import { invalid, shown } from './errors.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import type { Registry } from './registry.ts';

export interface Query {
  readonly source: 'devices' | 'devices.modules';
}

/** One page of results. No continuation means that it was the last. */
export interface Page {
  readonly items: readonly JsonObject[];
  readonly continuation?: string;
}

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1000;

/** Reads the body of a query request. Throws 400 on anything but the two queries there are. */
export function parseQuery(body: JsonValue): Query {
  const text = isObject(body) ? body.query : undefined;
  if (typeof text !== 'string') throw invalid(`A query request is { "query": "…" }, not ${shown(body)}`);
  const source = /^\s*SELECT\s+\*\s+FROM\s+(devices(?:\.modules)?)\s*;?\s*$/i.exec(text)?.[1]?.toLowerCase();
  if (source !== 'devices' && source !== 'devices.modules') {
    throw invalid(
      `BadRequest: the local hub answers SELECT * FROM devices and SELECT * FROM devices.modules, not ${shown(text)}`,
    );
  }
  return { source };
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
export function runQuery(registry: Registry, query: Query, pageSize: number, continuation?: string): Page {
  const [device, module] = readContinuation(query, continuation);
  const items: JsonObject[] = [];
  let last: readonly number[] = [];
  const found =
    query.source === 'devices'
      ? places(registry.deviceTwins(device), (twin) => [twin.sequence])
      : places(registry.moduleTwins(device, module), (twin) => [twin.deviceSequence, twin.sequence]);
  for (const [document, place] of found) {
    if (items.length === pageSize) return { items, continuation: writeContinuation(query, last) };
    items.push(document);
    last = place;
  }
  return { items };
}

function* places<T extends { readonly document: JsonObject }>(
  twins: Iterable<T>,
  place: (twin: T) => readonly number[],
): Iterable<readonly [JsonObject, readonly number[]]> {
  for (const twin of twins) yield [twin.document, place(twin)];
}

function writeContinuation(query: Query, place: readonly number[]): string {
  return Buffer.from(JSON.stringify([query.source, ...place])).toString('base64');
}

function readContinuation(query: Query, continuation: string | undefined): readonly (number | undefined)[] {
  if (continuation === undefined || continuation === '') return [];
  try {
    const [source, ...place] = JSON.parse(Buffer.from(continuation, 'base64').toString()) as readonly unknown[];
    if (source === query.source && place.length > 0 && place.every((item) => typeof item === 'number')) return place;
  } catch {
    // Not ours, like any other that does not fit.
  }
  throw invalid(`x-ms-continuation ${shown(continuation)} does not belong to this query`);
}
