import { once } from '../once.ts';
import { ignoreNotFound, loadFilterTag, openTable, type StorageAccount } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { createDuring, type DuringQuery } from './during.ts';
import { type PagePosition, readCursor, writeCursor } from './history-cursor.ts';
import { openListTable, retentionKey, rollupTable, timelineTable } from './history-index.ts';
import { type DriftQuery, type HistoryPage, type OpenQuery, toConditions } from './history-query.ts';
import {
  deviceRange,
  isHistoryPartition,
  isOpenPartition,
  type KeyRange,
  openRanges,
  timelineRanges,
} from './key-ranges.ts';
import { createListingMarks } from './listing-marks.ts';
import { createOpenSnapshots } from './open-snapshots.ts';
import { entitiesPerRequest } from './page-progress.ts';
import { readPage } from './read-page.ts';

/** Read access to the history. Each method reads only the key ranges that the comment of the method names. */
export interface History {
  /**
   * Reads one page of history rows, newest first.
   *
   * A query with a device reads the device's partition of the journal. A query without a device reads the hours of the timeline between
   * `from` and `to`, except hours that have no rows according to the roll-ups. The default of `to` is now. The default of `from` is 24
   * hours before `to`.
   *
   * @throws {BadCursorError} when the cursor comes from a different query
   */
  page(query: DriftQuery, limit: number, cursor?: string): Promise<HistoryPage>;
  /**
   * Reads all rows of a query, newest first. Keeps one page of results in memory at a time. Reads the same ranges as {@link History.page}.
   */
  rows(query: DriftQuery): AsyncIterable<DriftRow>;
  /**
   * Reads one page of open rows. A query with a device reads the open entries in the device's partition of the journal. A query without a
   * device reads the shards of the open list. A query with a policy reads only one key range of each shard.
   *
   * @throws {BadCursorError} when the cursor comes from a different query
   */
  open(query: OpenQuery, limit: number, cursor?: string): Promise<HistoryPage>;
  /**
   * Reads one page of the rows whose twins were out of line at any moment of a range, also when they were detected before it. First those that
   * were detected since the last snapshot of open rows before the range, newest first, then older rows with a mark since, and those of the snapshot. A query with a device
   * reads the partition of the device. Rows that retention has removed are missing: see {@link History.completeSince}.
   *
   * @throws {BadCursorError} when the cursor comes from a different query
   */
  during(query: DuringQuery, limit: number, cursor?: string): Promise<HistoryPage>;
  /** The time since which no row is removed, ISO 8601. `undefined` when none was ever removed. Reads one entity. */
  completeSince(): Promise<string | undefined>;
}

/** Length of the default time range of a query, in milliseconds. */
const defaultRange = 24 * 3600_000;

/**
 * Default for the longest search for one page of results, in milliseconds. After this time, the page ends with the rows found until then.
 * The value is shorter than the time-outs of HTTP clients.
 */
const defaultMaxSearchTime = 15_000;

/**
 * Opens the history in the tables of a storage account. Errors of the storage service are thrown unchanged.
 *
 * @param maxSearchTime The longest search for one page of results, in milliseconds.
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

  /** The default end of a query's time range: one second after now. The results then include rows that are detected during the query. */
  const defaultTo = () => new Date(now().getTime() + 1000).toISOString();

  async function page(query: DriftQuery, limit: number, cursor?: string): Promise<HistoryPage> {
    const { deviceId, from, to } = query;
    const position = cursor === undefined ? undefined : readCursor(query, cursor, isHistoryPartition(query));
    // All pages of results of one query must use the same start of the time range. When the query names no start, the cursor of each page
    // carries the start.
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

  const during = createDuring({
    page,
    snapshots: createOpenSnapshots(account, now),
    marks: createListingMarks(account, now),
    journal: tables.drift,
    now,
    maxSearchTime,
  });

  return {
    page,
    during,

    async *rows(query) {
      let cursor: string | undefined;
      do {
        const next = await page(query, entitiesPerRequest, cursor);
        yield* next.rows;
        cursor = next.cursor;
      } while (cursor !== undefined);
    },

    async open(query, limit, cursor) {
      const odata = await loadFilterTag();
      const position = cursor === undefined ? undefined : readCursor(query, cursor, isOpenPartition(query));
      // A query with a device needs a condition for its policy. A query without a device needs none: it reads the open list, whose keys
      // begin with the policy, and `openRanges` returns only the keys of that policy.
      const needsPolicy = query.deviceId !== undefined && query.policy !== undefined;
      const conditions = needsPolicy ? [odata`policy eq ${query.policy}`] : [];
      const ranges = openRanges(query);
      const { rows, next } = await readPage(tables, { ranges, conditions, limit, position, maxSearchTime });
      return { rows, ...(next === undefined ? {} : { cursor: writeCursor(query, next) }) };
    },

    async completeSince() {
      const entity = await (await rollups()).getEntity(retentionKey, retentionKey).catch(ignoreNotFound);
      return typeof entity?.since === 'string' ? `${entity.since}:00:00.000Z` : undefined;
    },
  };
}

function rangeStart(to: string): string {
  return new Date(Date.parse(to) - defaultRange).toISOString();
}
