import type { TableClient } from '@azure/data-tables';
import { statusOf } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { BadCursorError, type PagePosition } from './history-cursor.ts';
import type { KeyRange } from './key-ranges.ts';
import { fromEntity } from './row-entity.ts';

/** Maximum number of entities in one answer of Table Storage. */
export const entitiesPerRequest = 1000;

/** What a page reads: key ranges in order, and OData conditions that rows must meet. */
export interface PageRequest {
  readonly ranges: AsyncIterable<KeyRange>;
  readonly conditions: readonly string[];
  /** Maximum number of rows. */
  readonly limit: number;
  /** Where the page begins. Without a position, the page begins with the first range. */
  readonly position: PagePosition | undefined;
  /** Milliseconds after which the page ends, even with fewer rows than `limit`. */
  readonly maxSearchTime: number;
}

/** Rows, and where the next page begins. Without `next` the ranges are read to their end. */
export interface RowPage {
  readonly rows: readonly DriftRow[];
  readonly next?: PagePosition;
}

/**
 * Reads one page of rows from the ranges.
 *
 * @throws {BadCursorError} when the position's continuation token is invalid
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
  const { odata } = await import('@azure/data-tables');
  const rows: DriftRow[] = [];
  const deadline = performance.now() + maxSearchTime;
  const isLate = () => performance.now() >= deadline;
  let start = position;
  for await (const { table, partition, from, to } of ranges) {
    // The hour of the position may have lost its rows. Hours that follow are older, so reading continues with them.
    if (start !== undefined && table === 'timeline' && partition < start.partition) start = undefined;
    if (start !== undefined && partition !== start.partition) continue;
    const { after = '', token } = start ?? {};
    start = undefined;
    if (after >= to) continue;
    const lowerBound = after === '' ? odata`RowKey ge ${from}` : odata`RowKey gt ${after}`;
    const filter = [odata`PartitionKey eq ${partition}`, lowerBound, odata`RowKey le ${to}`, ...conditions].join(
      ' and ',
    );
    const client = await tables[table]();
    let continuationToken = token;
    do {
      const pages = client.listEntities<Record<string, unknown>>({ queryOptions: { filter } }).byPage({
        maxPageSize: Math.min(entitiesPerRequest, limit - rows.length),
        ...(continuationToken === undefined ? {} : { continuationToken }),
      });
      const { value, done } = await pages.next();
      if (done || value === undefined) break;
      for (const entity of value) {
        rows.push(fromEntity(entity));
        if (rows.length === limit) return { rows, next: { partition, after: String(entity.rowKey) } };
      }
      continuationToken = value.continuationToken;
      if (continuationToken !== undefined && isLate()) {
        return { rows, next: { partition, after, token: continuationToken } };
      }
    } while (continuationToken !== undefined);
    if (isLate()) return { rows, next: { partition, after: to } };
  }
  return { rows };
}

/** Whether the service or its SDK rejected a continuation token. The SDK throws a plain error without a code for a malformed token. */
function isTokenError(error: unknown): boolean {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  return statusOf(error) === 400 || (name !== 'RestError' && code === undefined);
}
