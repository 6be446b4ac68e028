import type { TableClient } from '@azure/data-tables';
import { loadFilterTag, statusOf } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { BadCursorError, type PagePosition } from './history-cursor.ts';
import type { KeyRange } from './key-ranges.ts';
import { PageProgress } from './page-progress.ts';
import { readHour } from './read-hour.ts';

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
  const page = new PageProgress(limit, maxSearchTime);
  let start = position;
  for await (const range of ranges) {
    const { table, partition, to } = range;
    // The hour of the position may not be among the ranges any more, because its rows were removed. The page then continues with the next
    // older hour.
    if (start !== undefined && table === 'timeline' && partition < start.partition) start = undefined;
    if (start !== undefined && partition !== start.partition) continue;
    const from = start ?? { after: '' };
    start = undefined;
    if (from.after >= to) continue;
    const read = table === 'timeline' ? readHour : readPartition;
    const next = await read(await tables[table](), range, from, conditions, page);
    if (next !== undefined) return { rows: page.rows, next };
  }
  return { rows: page.rows };
}

/**
 * Reads the rows of a range of keys onto a page. Returns the position at which the next page begins, or `undefined` when all rows are read and
 * the page has room.
 */
async function readPartition(
  client: TableClient,
  { partition, from, to }: KeyRange,
  { after, token }: Pick<PagePosition, 'after' | 'token'>,
  conditions: readonly string[],
  page: PageProgress,
): Promise<PagePosition | undefined> {
  const odata = await loadFilterTag();
  const start = after === '' ? odata`RowKey ge ${from}` : odata`RowKey gt ${after}`;
  const filter = [odata`PartitionKey eq ${partition}`, start, odata`RowKey lt ${to}`, ...conditions].join(' and ');
  let next = token;
  do {
    const answer = await page.request(client, filter, Math.min(page.rowsPerRequest, page.room), next);
    for (const entity of answer.entities) {
      if (!page.add(entity)) return { partition, after: String(entity.rowKey) };
    }
    next = answer.token;
    if (next !== undefined && page.mustEnd) return { partition, after, token: next };
  } while (next !== undefined);
  return page.mustEnd ? { partition, after: to } : undefined;
}

/**
 * Whether the error means that the continuation token is invalid. For a malformed token, the SDK throws a plain error, which has neither a code
 * nor a status.
 */
function isTokenError(error: unknown): boolean {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  const status = statusOf(error);
  return status === 400 || (name !== 'RestError' && code === undefined && status === undefined);
}
