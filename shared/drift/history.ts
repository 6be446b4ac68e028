import { once } from '../once.ts';
import { openTable, type StorageAccount } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { type PagePosition, readCursor, writeCursor } from './history-cursor.ts';
import { openListTable, rollupTable, timelineTable } from './history-index.ts';
import { type DriftQuery, type OpenQuery, toConditions } from './history-query.ts';
import {
  deviceRange,
  isHistoryPartition,
  isOpenPartition,
  type KeyRange,
  openRanges,
  timelineRanges,
} from './key-ranges.ts';
import { entitiesPerRequest, readPage } from './read-page.ts';

/**
 * One page of rows. `cursor` is the start of the next page. The last page has no cursor. A page with a cursor may hold fewer rows than
 * the limit, or none, when the search takes too long.
 */
export interface HistoryPage {
  readonly rows: readonly DriftRow[];
  readonly cursor?: string;
}

/** Read access to the history. Each method reads only the key ranges that its comment names. */
export interface History {
  /**
   * History rows, newest first.
   *
   * With a device, reads the device's partition. Without a device, reads the timeline's hours between `from` and `to`, and skips hours
   * that the roll-ups know to be empty. `to` defaults to now, and `from` to 24 hours before `to`.
   *
   * @throws {BadCursorError} for a cursor of another query
   */
  page(query: DriftQuery, limit: number, cursor?: string): Promise<HistoryPage>;
  /** All rows of a query, newest first. Holds one page in memory. Reads the same ranges as {@link History.page}. */
  rows(query: DriftQuery): AsyncIterable<DriftRow>;
  /**
   * Departures that are open now. With a device, reads the open entries in the device's partition. Without a device, reads the shards of
   * the open list. A policy narrows each shard to one range.
   *
   * @throws {BadCursorError} for a cursor of another query
   */
  open(query: OpenQuery, limit: number, cursor?: string): Promise<HistoryPage>;
}

/** Milliseconds between the default `from` of a query and its `to`. */
const defaultRange = 24 * 3600_000;

/** Default milliseconds after which a page ends with the rows found so far. Shorter than the time-outs of HTTP clients. */
const defaultMaxSearchTime = 15_000;

/**
 * The history in the tables of a storage account. Errors of the storage service are thrown unchanged. `maxSearchTime` is the longest time
 * that one page is searched for, in milliseconds.
 */
export function createHistory(
  account: StorageAccount,
  now: () => Date,
  { maxSearchTime = defaultMaxSearchTime }: { readonly maxSearchTime?: number } = {},
): History {
  const tables = {
    drift: once(() => openTable(account, 'TwinkeeperDrift')),
    timeline: once(() => openTable(account, timelineTable)),
    open: once(() => openTable(account, openListTable)),
  };
  const rollups = once(() => openTable(account, rollupTable));

  /** The default `to` of a query: one second from now, so that rows detected during the query are included. */
  const defaultTo = () => new Date(now().getTime() + 1000).toISOString();

  async function page(query: DriftQuery, limit: number, cursor?: string): Promise<HistoryPage> {
    const { deviceId, from, to } = query;
    const position = cursor === undefined ? undefined : readCursor(query, cursor, isHistoryPartition(query));
    // All pages of a query without `from` must have the same start of the time range. The cursor carries that start.
    const firstFrom =
      deviceId === undefined && from === undefined ? (position?.from ?? rangeStart(to ?? defaultTo())) : undefined;
    const fullQuery = firstFrom === undefined ? query : { ...query, from: firstFrom };
    const conditions = await toConditions(fullQuery);
    const ranges = rangesOf(fullQuery, position);
    const { rows, next } = await readPage(tables, { ranges, conditions, limit, position, maxSearchTime });
    const nextPosition = next === undefined || firstFrom === undefined ? next : { ...next, from: firstFrom };
    return { rows, ...(nextPosition === undefined ? {} : { cursor: writeCursor(query, nextPosition) }) };
  }

  async function* rangesOf(query: DriftQuery, position: PagePosition | undefined): AsyncGenerator<KeyRange> {
    if (query.deviceId !== undefined) {
      yield deviceRange(query.deviceId, query.to);
      return;
    }
    const to = query.to ?? defaultTo();
    yield* timelineRanges({ from: query.from ?? rangeStart(to), to }, position, rollups);
  }

  return {
    page,

    async *rows(query) {
      let cursor: string | undefined;
      do {
        const next = await page(query, entitiesPerRequest, cursor);
        yield* next.rows;
        cursor = next.cursor;
      } while (cursor !== undefined);
    },

    async open(query, limit, cursor) {
      const { odata } = await import('@azure/data-tables');
      const position = cursor === undefined ? undefined : readCursor(query, cursor, isOpenPartition(query));
      // Without a device, the key range already selects the policy.
      const needsPolicy = query.deviceId !== undefined && query.policy !== undefined;
      const conditions = needsPolicy ? [odata`policy eq ${query.policy}`] : [];
      const ranges = openRanges(query);
      const { rows, next } = await readPage(tables, { ranges, conditions, limit, position, maxSearchTime });
      return { rows, ...(next === undefined ? {} : { cursor: writeCursor(query, next) }) };
    },
  };
}

function rangeStart(to: string): string {
  return new Date(Date.parse(to) - defaultRange).toISOString();
}
