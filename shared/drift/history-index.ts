import { once } from '../once.ts';
import { GroupCommit, openTable, type StorageAccount, type TableChange } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { toEntity } from './row-entity.ts';
import { hourOf, openListKey, timelineKey } from './timeline-keys.ts';

export const timelineTable = 'TwinkeeperTimeline';
export const openListTable = 'TwinkeeperOpen';
export const rollupTable = 'TwinkeeperRollups';

/**
 * PartitionKey of the marks in the roll-up table. The RowKey of each mark is an hour whose rows changed after the last count of the hour.
 */
export const uncountedPartition = 'uncounted';

/**
 * Value of both the PartitionKey and the RowKey of one entity in the roll-up table. The entity names the first hour whose timeline rows are
 * complete. Retention may have removed rows of earlier hours.
 */
export const retentionKey = 'retained';

/**
 * The history index: two tables with copies of the journal's rows. The timeline holds rows by time of detection. The open list holds the
 * open rows.
 */
export interface HistoryIndex {
  /** Stores the rows in `rows` in the timeline, and the rows in `listed` in the open list. Resolves after all rows are stored. */
  put(change: { readonly rows: readonly DriftRow[]; readonly listed: readonly DriftRow[] }): Promise<void>;
  /** Removes rows from the open list. Ignores rows that are not in the open list. */
  removeFromOpenList(rows: readonly DriftRow[]): Promise<void>;
  /** Removes rows from the timeline and from the open list. For rows that are in the index, but not in the journal. */
  remove(rows: readonly DriftRow[]): Promise<void>;
}

/**
 * Minimum time between two marks of the current hour, in milliseconds. Each refresh of the roll-ups counts the current hour even without a
 * mark.
 */
const minMarkInterval = 60_000;

/** Creates the history index of a storage account. Passes that write at the same time share transactions. */
export function createHistoryIndex(account: StorageAccount, now: () => Date): HistoryIndex {
  const timeline = new GroupCommit(once(() => openTable(account, timelineTable)));
  const openList = new GroupCommit(once(() => openTable(account, openListTable)));
  const rollups = new GroupCommit(once(() => openTable(account, rollupTable)));
  let lastMark: { readonly hour: string; readonly at: number } | undefined;

  /**
   * Marks the hours of these rows, so that the roll-ups count the hours again. Each {@link minMarkInterval}, the current hour is marked at
   * most once.
   */
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
        // The hour is marked for a new count after the rows are written. When a count runs between the two steps, the count misses the
        // rows, and the mark causes a new count.
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
