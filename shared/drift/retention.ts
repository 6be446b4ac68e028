import type { TableClient } from '@azure/data-tables';
import { once } from '../once.ts';
import {
  encodeDeviceId,
  GroupCommit,
  loadFilterTag,
  openTable,
  type StorageAccount,
  type TableChange,
} from '../storage/index.ts';
import { type DriftRow, isOpen } from './departure.ts';
import { retentionKey, rollupTable, timelineTable } from './history-index.ts';
import { headKey } from './keys.ts';
import { fromEntity } from './row-entity.ts';
import { hourOf } from './timeline-keys.ts';

export interface RetentionResult {
  /** Number of rows that the run removed. */
  readonly removed: number;
  /** Number of old rows that the run kept: the rows are still open, were open after the time, or changed in the last two days. */
  readonly kept: number;
  /** Whether the run stopped early, so that old rows remain. */
  readonly isUnfinished: boolean;
}

/** Milliseconds for which a row stays after its last change. The seal of the day of the change is made some minutes after the day. */
const sealDelay = 2 * 86_400_000;

/** Number of rows that are read and then removed together. Each row may be in the partition of a different device. */
const rowsPerBatch = 100;

/** Retention of the history: removes old rows. */
export interface Retention {
  /**
   * Stores that what is older than a time may be gone from now on. Must be called before anything is removed: otherwise a comparison of the
   * tables with the seals calls it removed by somebody.
   */
  announce(time: Date): Promise<void>;
  /**
   * Removes rows that were detected and closed in the hours before the hour of `time`, oldest hour first. Removes them from the journal and
   * from the timeline, and keeps the roll-ups. So what was out of line at a later time is complete. Finds the rows in the timeline, so no
   * partition of the journal is searched.
   *
   * Keeps rows that changed lately, so that the seal of the day has what happened to them.
   *
   * A crash at any moment is harmless. Rows leave the timeline last, so the next run finds the remaining rows.
   *
   * @param mayContinue Called before each batch. `false` ends the run.
   */
  removeBefore(time: Date, mayContinue: () => boolean): Promise<RetentionResult>;
}

/** Creates the retention of a storage account, which removes old history rows. Errors of the storage service are thrown unchanged. */
export function createRetention(account: StorageAccount, now: () => Date): Retention {
  const drift = once(() => openTable(account, 'TwinkeeperDrift'));
  const timeline = once(() => openTable(account, timelineTable));
  const rollups = once(() => openTable(account, rollupTable));
  const journalRows = new GroupCommit(drift);
  const timelineRows = new GroupCommit(timeline);

  async function announce(time: Date): Promise<void> {
    const since = hourOf(time.toISOString());
    await (await rollups()).upsertEntity({ partitionKey: retentionKey, rowKey: retentionKey, since }, 'Replace');
  }

  return {
    announce,

    async removeBefore(time, mayContinue) {
      // After this write, the roll-ups do not count older hours again. A new count would miss the removed rows.
      await announce(time);
      const since = hourOf(time.toISOString());
      const settled = new Date(now().getTime() - sealDelay).toISOString();
      let removed = 0;
      let kept = 0;
      for await (const batch of oldRows(await timeline(), time)) {
        if (!mayContinue()) return { removed, kept, isUnfinished: true };
        const closed = batch.filter(({ row }) => !isOpen(row) && hourOf(endOf(row)) < since && endOf(row) < settled);
        kept += batch.length - closed.length;
        // The head of the module is removed too. A pass that runs at the same time then gets a conflict, reads the rows again, and adds the
        // head again.
        await journalRows.apply(
          closed.flatMap(({ row }) =>
            [row.rowKey, headKey(row.moduleId)].map(
              (rowKey): TableChange => ({ type: 'delete', partitionKey: encodeDeviceId(row.deviceId), rowKey }),
            ),
          ),
        );
        await timelineRows.apply(closed.map(({ key }): TableChange => ({ type: 'delete', ...key })));
        removed += closed.length;
      }
      return { removed, kept, isUnfinished: false };
    },
  };
}

/** When a closed row was closed, ISO 8601. */
function endOf({ closedAt, outcomeAt }: DriftRow): string {
  return closedAt ?? outcomeAt;
}

/** The timeline rows of all hours before a time, in batches, oldest hour first. Reads only the timeline partitions of those hours. */
async function* oldRows(table: TableClient, before: Date) {
  const odata = await loadFilterTag();
  const hour = hourOf(before.toISOString());
  const select = ['partitionKey', 'rowKey', 'deviceId', 'moduleId', 'historyKey', 'outcome', 'outcomeAt', 'closedAt'];
  const pages = table
    .listEntities<Record<string, unknown>>({ queryOptions: { filter: odata`PartitionKey lt ${hour}`, select } })
    .byPage({ maxPageSize: rowsPerBatch });
  for await (const page of pages) {
    yield page.map((entity) => ({
      row: fromEntity(entity),
      key: { partitionKey: String(entity.partitionKey), rowKey: String(entity.rowKey) },
    }));
  }
}
