import type { TableClient } from '@azure/data-tables';
import { once } from '../once.ts';
import { encodeDeviceId, GroupCommit, openTable, type StorageAccount, type TableChange } from '../storage/index.ts';
import { isOpen } from './departure.ts';
import { retentionKey, rollupTable, timelineTable } from './history-index.ts';
import { fromEntity } from './row-entity.ts';
import { hourOf } from './timeline-keys.ts';

/** The result of {@link Retention.removeBefore}. */
export interface RetentionResult {
  /** Number of removed rows. */
  readonly removed: number;
  /** Number of old rows that were kept because their departure is still open. */
  readonly kept: number;
  /** Whether the run stopped early and old rows remain. */
  readonly isUnfinished: boolean;
}

/** Rows that are read and then removed at the same time. Each row may be in a different device's partition. */
const rowsPerBatch = 100;

/** Removes old history rows. */
export interface Retention {
  /**
   * Removes closed rows that were detected before `time`, oldest first, from the journal and from the timeline. Finds them in the
   * timeline, so no device's partition is searched. Roll-ups are kept. `mayContinue` is called before each batch. The run may be interrupted
   * at any moment: rows leave the timeline last, and the next run finds the remaining ones.
   */
  removeBefore(time: Date, mayContinue: () => boolean): Promise<RetentionResult>;
}

/** The retention of a storage account. Errors of the storage service are thrown unchanged. */
export function createRetention(account: StorageAccount): Retention {
  const drift = once(() => openTable(account, 'TwinkeeperDrift'));
  const timeline = once(() => openTable(account, timelineTable));
  const rollups = once(() => openTable(account, rollupTable));
  const journalRows = new GroupCommit(drift);
  const timelineRows = new GroupCommit(timeline);

  return {
    async removeBefore(time, mayContinue) {
      // Roll-ups must not count an hour again after some of its rows were removed.
      const since = hourOf(time.toISOString());
      await (await rollups()).upsertEntity({ partitionKey: retentionKey, rowKey: retentionKey, since }, 'Replace');
      let removed = 0;
      let kept = 0;
      for await (const batch of oldRows(await timeline(), time)) {
        if (!mayContinue()) return { removed, kept, isUnfinished: true };
        const closed = batch.filter(({ row }) => !isOpen(row));
        kept += batch.length - closed.length;
        await journalRows.apply(
          closed.map(
            ({ row }): TableChange => ({
              type: 'delete',
              partitionKey: encodeDeviceId(row.deviceId),
              rowKey: row.rowKey,
            }),
          ),
        );
        await timelineRows.apply(closed.map(({ key }): TableChange => ({ type: 'delete', ...key })));
        removed += closed.length;
      }
      return { removed, kept, isUnfinished: false };
    },
  };
}

/** The timeline rows of all hours before a time, in batches, oldest hour first. Reads the first partitions of the timeline. */
async function* oldRows(table: TableClient, before: Date) {
  const { odata } = await import('@azure/data-tables');
  const hour = hourOf(before.toISOString());
  const pages = table
    .listEntities<Record<string, unknown>>({ queryOptions: { filter: odata`PartitionKey lt ${hour}` } })
    .byPage({ maxPageSize: rowsPerBatch });
  for await (const page of pages) {
    yield page.map((entity) => ({
      row: fromEntity(entity),
      key: { partitionKey: String(entity.partitionKey), rowKey: String(entity.rowKey) },
    }));
  }
}
