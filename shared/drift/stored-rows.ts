import { once } from '../once.ts';
import {
  encodeDeviceId,
  endOfPrefix,
  ignoreNotFound,
  loadFilterTag,
  openTable,
  type StorageAccount,
} from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { retentionKey, rollupTable, timelineTable, uncountedPartition } from './history-index.ts';
import { rowPrefix } from './keys.ts';
import { fromEntity, shortColumns } from './row-entity.ts';
import { timelineKey } from './timeline-keys.ts';

/** A row of the timeline, and its place in the order of the timeline. */
export interface PlacedRow {
  readonly place: string;
  readonly row: DriftRow;
}

/**
 * The rows as the tables hold them, for evidence: in the order of the timeline, which never changes, and beside it as the journal has them. The
 * journal is the source of truth. After a crash, the timeline can show an outcome that the journal does not have.
 */
export interface StoredRows {
  /** The first hour whose rows are complete, such as `2026-11-22T05`. Retention may have removed earlier rows. `''` before the first removal. */
  retainedSince(): Promise<string>;
  /** The hour of the oldest row. `undefined` when there is no row. */
  firstHour(): Promise<string | undefined>;
  /**
   * The hours with rows that changed at `since` or later, and some more hours. Reads one small entity for each hour of the history.
   *
   * @param withUnknown Whether to return the hours that a version of the app counted that did not store when.
   */
  changedHours(since: Date, withUnknown: boolean): Promise<readonly string[]>;
  /**
   * Reads the rows that were detected from one hour to another, in pages. `from` is inclusive, `to` exclusive. A row has no values of properties
   * when `isShort` is true.
   */
  detected(hours: HourRange, isShort: boolean): AsyncIterable<readonly PlacedRow[]>;
  /**
   * Reads rows of one device from the journal, by their keys. Reads the range of keys from the first one to the last one. Rows that the journal
   * does not have are left out.
   */
  ofDevice(deviceId: string, rowKeys: readonly string[]): Promise<ReadonlyMap<string, DriftRow>>;
  /** Reads a row from the journal. */
  inJournal(row: Pick<DriftRow, 'deviceId' | 'rowKey'>): Promise<DriftRow | undefined>;
  /** Reads a row from the timeline. */
  inTimeline(row: Pick<DriftRow, 'deviceId' | 'detectedAt' | 'rowKey'>): Promise<DriftRow | undefined>;
  /** Reads all rows of the journal, in pages. Reads the whole table. */
  allInJournal(): AsyncIterable<readonly DriftRow[]>;
}

/** `from` is inclusive, `to` exclusive. `from` can be `''`. */
export interface HourRange {
  readonly from: string;
  readonly to: string;
}

/** Number of rows in one response. A row can have 100 KB. */
const rowsPerPage = 250;
const shortRowsPerPage = 1000;

/** Opens the stored rows of a storage account for reading. Errors of the storage service are thrown unchanged. */
export function createStoredRows(account: StorageAccount): StoredRows {
  const drift = once(() => openTable(account, 'TwinkeeperDrift'));
  const timeline = once(() => openTable(account, timelineTable));
  const rollups = once(() => openTable(account, rollupTable));

  return {
    async retainedSince() {
      const client = await rollups();
      const entity = await client
        .getEntity<{ readonly since?: string }>(retentionKey, retentionKey)
        .catch(ignoreNotFound);
      return entity?.since ?? '';
    },

    async firstHour() {
      const pages = (await timeline())
        .listEntities({ queryOptions: { select: ['partitionKey'] } })
        .byPage({ maxPageSize: 1 });
      for await (const [first] of pages) {
        if (first !== undefined) return String(first.partitionKey).slice(0, 13);
      }
      return undefined;
    },

    async changedHours(since, withUnknown) {
      const client = await rollups();
      const from = since.toISOString();
      const hours = new Set<string>();
      const odata = await loadFilterTag();
      const marks = odata`PartitionKey eq ${uncountedPartition}`;
      // The marks are read first. A mark that is removed after that leaves a count with a later time.
      for await (const { rowKey } of client.listEntities({ queryOptions: { filter: marks, select: ['rowKey'] } })) {
        hours.add(String(rowKey));
      }
      // The names of the partitions with the counts of hours are days. `:` is the character after `9`.
      const counts = odata`PartitionKey ge ${'0'} and PartitionKey lt ${':'}`;
      const select = ['rowKey', 'countedAt'];
      for await (const entity of client.listEntities<{ readonly countedAt?: string }>({
        queryOptions: { filter: counts, select },
      })) {
        const { rowKey, countedAt } = entity;
        if (countedAt === undefined ? withUnknown : countedAt >= from) hours.add(String(rowKey));
      }
      return [...hours].toSorted();
    },

    async *detected({ from, to }, isShort) {
      const odata = await loadFilterTag();
      const filter = odata`PartitionKey ge ${from} and PartitionKey lt ${to}`;
      const select = [...shortColumns, 'partitionKey', 'deviceId', 'historyKey', 'error'];
      const pages = (await timeline())
        .listEntities<Record<string, unknown>>({ queryOptions: isShort ? { filter, select } : { filter } })
        .byPage({ maxPageSize: isShort ? shortRowsPerPage : rowsPerPage });
      for await (const page of pages) {
        yield page.map((entity) => ({
          place: `${entity.partitionKey}/${entity.rowKey}`,
          row: readable(entity),
        }));
      }
    },

    async ofDevice(deviceId, rowKeys) {
      const keys = new Set(rowKeys);
      const sorted = rowKeys.toSorted();
      const [first, last] = [sorted[0], sorted.at(-1)];
      const rows = new Map<string, DriftRow>();
      if (first === undefined || last === undefined) return rows;
      if (keys.size === 1) {
        const row = await this.inJournal({ deviceId, rowKey: first });
        return row === undefined ? rows : rows.set(first, row);
      }
      const odata = await loadFilterTag();
      const filter = odata`PartitionKey eq ${encodeDeviceId(deviceId)} and RowKey ge ${first} and RowKey le ${last}`;
      for await (const entity of (await drift()).listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
        if (keys.has(String(entity.rowKey))) rows.set(String(entity.rowKey), readable(entity));
      }
      return rows;
    },

    async inJournal({ deviceId, rowKey }) {
      const client = await drift();
      return client.getEntity<Record<string, unknown>>(encodeDeviceId(deviceId), rowKey).then(readable, ignoreNotFound);
    },

    async inTimeline(row) {
      const client = await timeline();
      const { partitionKey, rowKey } = timelineKey(row);
      return client.getEntity<Record<string, unknown>>(partitionKey, rowKey).then(readable, ignoreNotFound);
    },

    async *allInJournal() {
      const odata = await loadFilterTag();
      const filter = odata`RowKey ge ${rowPrefix} and RowKey lt ${endOfPrefix(rowPrefix)}`;
      const pages = (await drift())
        .listEntities<Record<string, unknown>>({ queryOptions: { filter } })
        .byPage({ maxPageSize: rowsPerPage });
      for await (const page of pages) yield page.map(readable);
    },
  };
}

/** Reads an entity that somebody may have damaged. A text that is not JSON is left out. */
function readable(entity: Readonly<Record<string, unknown>>): DriftRow {
  try {
    return fromEntity(entity);
  } catch {
    const { expected: _, actual: __, lastActual: ___, foldedVersions: ____, transitions: _____, ...rest } = entity;
    return fromEntity(rest);
  }
}

/** The place of a row in the order of {@link StoredRows.detected}. Places are compared as texts. */
export function placeOf(row: Pick<DriftRow, 'deviceId' | 'detectedAt' | 'rowKey'>): string {
  const { partitionKey, rowKey } = timelineKey(row);
  return `${partitionKey}/${rowKey}`;
}
