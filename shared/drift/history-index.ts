import { once } from '../once.ts';
import { GroupCommit, openTable, type StorageAccount, type TableChange } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { toEntity } from './row-entity.ts';
import { hourOf, openListKey, timelineKey } from './timeline-keys.ts';

export const timelineTable = 'TwinkeeperTimeline';
export const openListTable = 'TwinkeeperOpen';
export const rollupTable = 'TwinkeeperRollups';

/** Partition of the roll-up table. Its RowKeys are the hours that changed after their last count. */
export const uncountedPartition = 'uncounted';

/**
 * PartitionKey and RowKey of one entity in the roll-up table. The entity names the first hour whose timeline rows are complete. Retention
 * may have removed older rows.
 */
export const retentionKey = 'retained';

/** Copies of history rows. The timeline holds rows by time of detection. The open list holds the open rows. */
export interface HistoryIndex {
  /** Stores `rows` in the timeline and `listed` in the open list. Resolves when all are stored. */
  put(change: { readonly rows: readonly DriftRow[]; readonly listed: readonly DriftRow[] }): Promise<void>;
  /** Removes rows from the open list. Rows that are not in it are ignored. */
  removeFromOpenList(rows: readonly DriftRow[]): Promise<void>;
  /** Removes rows from timeline and open list. Used for rows that were indexed but are not in the journal. */
  remove(rows: readonly DriftRow[]): Promise<void>;
}

/** Minimum milliseconds between two marks of the current hour. Each refresh of the roll-ups counts the current hour anyway. */
const minMarkInterval = 60_000;

/** The history index of a storage account. Passes that write at the same time share transactions. */
export function createHistoryIndex(account: StorageAccount, now: () => Date): HistoryIndex {
  const timeline = new GroupCommit(once(() => openTable(account, timelineTable)));
  const openList = new GroupCommit(once(() => openTable(account, openListTable)));
  const rollups = new GroupCommit(once(() => openTable(account, rollupTable)));
  let lastMark: { readonly hour: string; readonly at: number } | undefined;

  /** Marks the hours of these rows to be counted again. Marks the current hour at most once per {@link minMarkInterval}. */
  async function markHours(rows: readonly DriftRow[]): Promise<void> {
    if (rows.length === 0) return;
    const time = now();
    const current = hourOf(time.toISOString());
    const hours = new Set(rows.map(({ detectedAt }) => hourOf(detectedAt)));
    if (lastMark?.hour === current && time.getTime() - lastMark.at < minMarkInterval) hours.delete(current);
    if (hours.size === 0) return;
    const marks = [...hours].map(
      (hour): TableChange => ({
        type: 'upsert',
        entity: { partitionKey: uncountedPartition, rowKey: hour, at: time.toISOString() },
      }),
    );
    await rollups.apply(marks);
    if (hours.has(current)) lastMark = { hour: current, at: time.getTime() };
  }

  const removeFromOpenList = (rows: readonly DriftRow[]) =>
    openList.apply(rows.map((row) => removal(openListKey(row))));

  return {
    async put({ rows, listed }) {
      await Promise.all([
        // The hours are marked after the write. When a count runs between write and mark, the mark makes the hour be counted again.
        timeline.apply(rows.map((row) => upsert(row, timelineKey(row)))).then(() => markHours(rows)),
        openList.apply(listed.map((row) => upsert(row, openListKey(row)))),
      ]);
    },

    removeFromOpenList,

    async remove(rows) {
      const removed = timeline.apply(rows.map((row) => removal(timelineKey(row)))).then(() => markHours(rows));
      await Promise.all([removed, removeFromOpenList(rows)]);
    },
  };
}

function upsert(row: DriftRow, key: { readonly partitionKey: string; readonly rowKey: string }): TableChange {
  return { type: 'upsert', entity: { ...toEntity(row, key.rowKey), partitionKey: key.partitionKey } };
}

function removal(key: { readonly partitionKey: string; readonly rowKey: string }): TableChange {
  return { type: 'delete', ...key };
}
