import { once } from '../once.ts';
import { GroupCommit, openTable, type StorageAccount, type TableChange } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { toEntity } from './row-entity.ts';
import { hourOf, openListKey, timelineKey } from './timeline-keys.ts';

export const timelineTable = 'TwinkeeperTimeline';
export const openListTable = 'TwinkeeperOpen';
export const rollupTable = 'TwinkeeperRollups';

/** Partition of the roll-ups that names the hours which have changed since they were counted. */
export const uncounted = 'uncounted';

/** The copies of history rows by time, and of those that are out of line. */
export interface HistoryIndex {
  /** Stores rows as they are to be in the timeline and in the list of what is out of line. Resolves when all is stored. */
  put(change: { readonly rows: readonly DriftRow[]; readonly listed: readonly DriftRow[] }): Promise<void>;
  /** Takes rows out of the list of what is out of line, if they are there. */
  unlist(rows: readonly DriftRow[]): Promise<void>;
  /** Takes rows out of all, that were put there and then not stored. */
  retract(rows: readonly DriftRow[]): Promise<void>;
}

/** Partition and key of the entity in the roll-ups that tells from which hour on the timeline is whole; older rows may be removed. */
export const retained = 'retained';

/** An hour is marked as changed at most so often by one process while it lasts, in milliseconds: it is counted again anyway. */
const marksAgainAfter = 60_000;

/** The index of a storage account. Rows that many passes write at the same time share transactions. */
export function createHistoryIndex(account: StorageAccount, now: () => Date): HistoryIndex {
  const timeline = new GroupCommit(once(() => openTable(account, timelineTable)));
  const openList = new GroupCommit(once(() => openTable(account, openListTable)));
  const rollups = new GroupCommit(once(() => openTable(account, rollupTable)));
  let marked: { readonly hour: string; readonly at: number } | undefined;

  /** Says that these hours must be counted again. The hour that is under way needs it only now and then. */
  async function mark(rows: readonly DriftRow[]): Promise<void> {
    if (rows.length === 0) return;
    const time = now();
    const current = hourOf(time.toISOString());
    const hours = new Set(rows.map(({ detectedAt }) => hourOf(detectedAt)));
    if (marked?.hour === current && time.getTime() - marked.at < marksAgainAfter) hours.delete(current);
    if (hours.size === 0) return;
    const changes = [...hours].map(
      (hour): TableChange => ({
        type: 'upsert',
        entity: { partitionKey: uncounted, rowKey: hour, at: time.toISOString() },
      }),
    );
    await rollups.apply(changes);
    if (hours.has(current)) marked = { hour: current, at: time.getTime() };
  }

  const unlist = (rows: readonly DriftRow[]) => openList.apply(rows.map((row) => removal(openListKey(row))));

  return {
    async put({ rows, listed }) {
      await Promise.all([
        // Marked after, not before: an hour that is counted in between is counted again.
        timeline.apply(rows.map((row) => upsert(row, timelineKey(row)))).then(() => mark(rows)),
        openList.apply(listed.map((row) => upsert(row, openListKey(row)))),
      ]);
    },

    unlist,

    async retract(rows) {
      const removed = timeline.apply(rows.map((row) => removal(timelineKey(row)))).then(() => mark(rows));
      await Promise.all([removed, unlist(rows)]);
    },
  };
}

function upsert(row: DriftRow, key: { readonly partitionKey: string; readonly rowKey: string }): TableChange {
  return { type: 'upsert', entity: { ...toEntity(row, key.rowKey), partitionKey: key.partitionKey } };
}

function removal(key: { readonly partitionKey: string; readonly rowKey: string }): TableChange {
  return { type: 'delete', ...key };
}
