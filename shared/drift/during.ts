import type { TableClient } from '@azure/data-tables';
import { encodeDeviceId, ignoreNotFound } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { BadCursorError, type PagePosition, readCursor, writeCursor } from './history-cursor.ts';
import type { DriftQuery, HistoryPage } from './history-query.ts';
import { type ListingMarks, markId } from './listing-marks.ts';
import type { ListedKey, OpenSnapshots } from './open-snapshots.ts';
import { fromEntity } from './row-entity.ts';
import { hadOutcomeDuring, wasOpenDuring } from './state-at.ts';

/** A query for the rows whose twins were out of line at any moment of a range, also when they were detected before it. */
export interface DuringQuery extends Omit<DriftQuery, 'from' | 'to' | 'openSince'> {
  /** Start of the range, inclusive, ISO 8601. An `outcome` is one that the row had in the range. */
  readonly openFrom: string;
  /** End of the range, exclusive, ISO 8601. */
  readonly openTo: string;
}

interface DuringDependencies {
  readonly page: (query: DriftQuery, limit: number, cursor?: string) => Promise<HistoryPage>;
  readonly snapshots: OpenSnapshots;
  readonly marks: Pick<ListingMarks, 'between'>;
  readonly journal: () => Promise<TableClient>;
  readonly now: () => Date;
  /** Maximum milliseconds of the search for one page. */
  readonly maxSearchTime: number;
}

/** Milliseconds by which a row may be stored after its detection. */
const storeDelay = 15 * 60_000;

/** Milliseconds that a search looks back where no snapshot is old enough: as long as the longest range of a query. */
const longestRange = 400 * 86_400_000;

/** Maximum number of rows of a snapshot that are read from the journal at the same time. */
const readsAtOnce = 20;

/**
 * Returns a function that reads the rows that were open during a range, one page at a time. First the rows that were detected since the last
 * snapshot before the range, newest first, from the timeline. Then older rows that have a mark since, and the rows of that snapshot, each by its
 * key. A query with a device reads the partition of the device instead. So a page costs the same however long the history is.
 */
export function createDuring({ page, snapshots, marks, journal, now, maxSearchTime }: DuringDependencies) {
  return async function during(query: DuringQuery, limit: number, cursor?: string): Promise<HistoryPage> {
    const { openFrom, openTo, ...filters } = query;
    const position =
      cursor === undefined ? undefined : readCursor(query, cursor, (name) => /^(rows|marks|\d+)$/.test(name));
    const deadline = performance.now() + maxSearchTime;
    const rows: DriftRow[] = [];
    const snapshot = filters.deviceId === undefined ? await snapshotFor(openFrom, position) : undefined;
    const since = startOf(filters.deviceId, snapshot?.takenAt, openTo);
    // Marks that come while the pages are read would shift what they have shown already.
    const marksUntil =
      position?.from ?? new Date(Math.min(now().getTime(), Date.parse(openTo) + storeDelay)).toISOString();
    const range = { from: openFrom, to: openTo };
    const isWanted = (row: DriftRow) =>
      wasOpenDuring(row, range) && (filters.outcome === undefined || hadOutcomeDuring(row, filters.outcome, range));
    const cursorAt = (partition: string, after: string) =>
      writeCursor(query, {
        ...{ partition, after, from: marksUntil },
        ...(snapshot === undefined ? {} : { token: snapshot.id }),
      });

    if (position === undefined || position.partition === 'rows') {
      let after = position?.after;
      do {
        const read = await page(
          { ...filters, ...since, to: openTo, openSince: openFrom },
          limit - rows.length,
          after === '' ? undefined : after,
        );
        rows.push(...read.rows.filter(isWanted));
        after = read.cursor;
        if (after !== undefined && (rows.length === limit || performance.now() >= deadline)) {
          return { rows, cursor: cursorAt('rows', after) };
        }
      } while (after !== undefined);
    }

    if (snapshot === undefined) return { rows };
    let hasRead = false;
    const isFull = () => rows.length === limit || (hasRead && performance.now() >= deadline);
    const readListed = async (keys: readonly ListedKey[]) => {
      const listed = keys.filter(({ policy }) => filters.policy === undefined || policy === filters.policy);
      const found = (await Promise.all(listed.map(readRow))).flat();
      // The timeline has shown the rows that were detected since.
      rows.push(
        ...found.filter((one) => one.detectedAt < (since.from ?? '') && matches(one, filters) && isWanted(one)),
      );
      hasRead = true;
    };

    const marked = await marks.between(since.from ?? '', marksUntil);
    if (position === undefined || !/^\d+$/.test(position.partition)) {
      let after = position?.partition === 'marks' ? position.after : '';
      let left = marked.filter(({ key }) => key > after);
      while (left.length > 0) {
        if (isFull()) return { rows, cursor: cursorAt('marks', after) };
        const some = left.slice(0, Math.min(readsAtOnce, limit - rows.length));
        await readListed(some);
        after = some.at(-1)?.key ?? after;
        left = left.slice(some.length);
      }
    }

    const shown = new Set(marked.map(markId));
    let { part, row } = placeIn(position);
    for (; part < snapshot.parts; part++, row = 0) {
      const keys = await snapshots.part(snapshot.id, part);
      while (row < keys.length) {
        if (isFull()) return { rows, cursor: cursorAt(String(part), String(row)) };
        const some = keys.slice(row, row + Math.min(readsAtOnce, limit - rows.length));
        await readListed(some.filter((key) => !shown.has(markId(key))));
        row += some.length;
      }
    }
    return { rows };
  };

  /** The snapshot that the first page of results used, or for the first page the newest one before the range. */
  async function snapshotFor(from: string, position: PagePosition | undefined) {
    const snapshot = await snapshots.before(from);
    // Another id: the cursor is forged, or retention has removed the snapshot since the first page.
    if (position !== undefined && snapshot?.id !== position.token) throw new BadCursorError();
    return snapshot;
  }

  async function readRow({ deviceId, rowKey }: Pick<DriftRow, 'deviceId' | 'rowKey'>): Promise<readonly DriftRow[]> {
    const client = await journal();
    const entity = await client
      .getEntity<Record<string, unknown>>(encodeDeviceId(deviceId), rowKey)
      .catch(ignoreNotFound);
    return entity === undefined ? [] : [fromEntity(entity)];
  }
}

/** The part of the snapshot, and the row in it, at which a page begins. */
function placeIn(position: PagePosition | undefined): { part: number; row: number } {
  if (position === undefined || !/^\d+$/.test(position.partition)) return { part: 0, row: 0 };
  if (!/^\d+$/.test(position.after)) throw new BadCursorError();
  return { part: Number(position.partition), row: Number(position.after) };
}

/** The earliest detection of the rows that are not in the snapshot. */
function startOf(deviceId: string | undefined, takenAt: string | undefined, to: string): { readonly from?: string } {
  if (deviceId !== undefined) return {};
  const from = takenAt === undefined ? Date.parse(to) - longestRange : Date.parse(takenAt) - storeDelay;
  return { from: new Date(Math.max(0, from)).toISOString() };
}

function matches(row: DriftRow, filters: Omit<DuringQuery, 'openFrom' | 'openTo'>): boolean {
  const { moduleId, policy, path, kind, source, outcomeNow } = filters;
  const equal = { moduleId, policy, path, kind, source, outcome: outcomeNow };
  return Object.entries(equal).every(
    ([name, value]) => value === undefined || row[name as keyof typeof equal] === value,
  );
}
