import type { TableClient } from '@azure/data-tables';
import { loadFilterTag, statusOf } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { BadCursorError, type PagePosition } from './history-cursor.ts';
import type { KeyRange } from './key-ranges.ts';
import { fromEntity } from './row-entity.ts';

/** Maximum number of entities in one response of Table Storage. */
export const entitiesPerRequest = 1000;

/**
 * Maximum number of requests to Table Storage for one page of results. A filter that few rows meet would otherwise read a partition of a
 * million rows for one page.
 */
const maxRequests = 50;

/** Number of characters in the rows of a page after which the page ends. */
const maxCharacters = 8_000_000;
/** Maximum number of rows in the first response. A row can have values of 100 KB. The size of later responses follows from these rows. */
const rowsOfFirstRequest = 250;

/** The request for one page of results: key ranges in order, and OData conditions that the rows must meet. */
export interface PageRequest {
  readonly ranges: AsyncIterable<KeyRange>;
  readonly conditions: readonly string[];
  /** Maximum number of rows on the page. */
  readonly limit: number;
  /** The position at which the page of results begins. `undefined` when the page begins with the first key range. */
  readonly position: PagePosition | undefined;
  /** Milliseconds after which the page of results ends, even with fewer rows than `limit`. */
  readonly maxSearchTime: number;
}

/** One page of results. `next` is the position at which the next page begins. A page without `next` is the last one. */
export interface RowPage {
  readonly rows: readonly DriftRow[];
  readonly next?: PagePosition;
}

/**
 * Reads one page of rows from the key ranges of a request.
 *
 * @throws {BadCursorError} when the continuation token in the position is invalid
 */
export async function readPage(
  tables: Readonly<Record<KeyRange['table'], () => Promise<TableClient>>>,
  request: PageRequest,
): Promise<RowPage> {
  try {
    return await readRanges(tables, request);
  } catch (error) {
    if (request.position?.token !== undefined && isTokenError(error)) throw new BadCursorError();
    throw error;
  }
}

async function readRanges(
  tables: Readonly<Record<KeyRange['table'], () => Promise<TableClient>>>,
  { ranges, conditions, limit, position, maxSearchTime }: PageRequest,
): Promise<RowPage> {
  const odata = await loadFilterTag();
  const rows: DriftRow[] = [];
  const deadline = performance.now() + maxSearchTime;
  let requests = 0;
  let characters = 0;
  /** The number of rows to request: as many as fit into the page when they are as long as the rows before. */
  const rowsToRequest = () => {
    const fitting =
      rows.length === 0 ? rowsOfFirstRequest : Math.ceil((maxCharacters - characters) / (characters / rows.length));
    return Math.min(entitiesPerRequest, limit - rows.length, Math.max(1, fitting));
  };
  /** Whether the page must end, even with fewer rows than `limit`. */
  const mustEnd = () => performance.now() >= deadline || requests >= maxRequests || characters >= maxCharacters;
  let start = position;
  for await (const { table, partition, from, to } of ranges) {
    // The hour of the position may not be among the ranges any more, because its rows were removed. The page then continues with the next
    // older hour.
    if (start !== undefined && table === 'timeline' && partition < start.partition) start = undefined;
    if (start !== undefined && partition !== start.partition) continue;
    const { after = '', token } = start ?? {};
    start = undefined;
    if (after >= to) continue;
    const lowerBound = after === '' ? odata`RowKey ge ${from}` : odata`RowKey gt ${after}`;
    const filter = [odata`PartitionKey eq ${partition}`, lowerBound, odata`RowKey lt ${to}`, ...conditions].join(
      ' and ',
    );
    const client = await tables[table]();
    let continuationToken = token;
    do {
      const pages = client.listEntities<Record<string, unknown>>({ queryOptions: { filter } }).byPage({
        maxPageSize: rowsToRequest(),
        ...(continuationToken === undefined ? {} : { continuationToken }),
      });
      const { value, done } = await pages.next();
      requests++;
      if (done || value === undefined) break;
      for (const entity of value) {
        rows.push(fromEntity(entity));
        characters += charactersOf(entity);
        if (rows.length === limit) return { rows, next: { partition, after: String(entity.rowKey) } };
      }
      continuationToken = value.continuationToken;
      if (continuationToken !== undefined && mustEnd()) {
        return { rows, next: { partition, after, token: continuationToken } };
      }
    } while (continuationToken !== undefined);
    if (mustEnd()) return { rows, next: { partition, after: to } };
  }
  return { rows };
}

/** Number of characters in the texts of an entity. */
function charactersOf(entity: Readonly<Record<string, unknown>>): number {
  return Object.values(entity).reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0);
}

/** Whether the error means that the continuation token is invalid. For a malformed token, the SDK throws a plain error without a code. */
function isTokenError(error: unknown): boolean {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  return statusOf(error) === 400 || (name !== 'RestError' && code === undefined);
}
