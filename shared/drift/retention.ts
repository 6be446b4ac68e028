import type { TableClient } from '@azure/data-tables';
import { once } from '../once.ts';
import { encodeDeviceId, GroupCommit, openTable, type StorageAccount, type TableChange } from '../storage/index.ts';
import { isOpen } from './departure.ts';
import { retained, rollupTable, timelineTable } from './history-index.ts';
import { fromEntity } from './row-entity.ts';
import { hourOf } from './timeline-keys.ts';

/** What a run of {@link Retention.removeBefore} did. */
export interface RetentionResult {
  /** Rows that are gone. */
  readonly removed: number;
  /** Old rows that stay, because what they tell of is out of line still. */
  readonly kept: number;
  /** Whether there is more to remove, for which the time did not suffice. */
  readonly isUnfinished: boolean;
}

/** How many rows are looked at before the next are read; each may be on a device of its own, and all of them go at the same time. */
const rowsPerBatch = 100;

/** Removes what is older than it must be. Either may be interrupted anywhere, and finds what is left when it is run again. */
export interface Retention {
  /**
   * Removes history rows that were detected before a time, oldest first, with their copies by time. The timeline says which they are, so
   * no device's partition is searched. A row leaves the timeline last. Roll-ups stay. `mayGoOn` is asked before each batch.
   */
  removeBefore(time: Date, mayGoOn: () => boolean): Promise<RetentionResult>;
}

/** The retention of a storage account. Errors of the storage service are thrown as they come. */
export function createRetention(account: StorageAccount): Retention {
  const drift = once(() => openTable(account, 'TwinkeeperDrift'));
  const timeline = once(() => openTable(account, timelineTable));
  const rollups = once(() => openTable(account, rollupTable));
  const rows = new GroupCommit(drift);
  const copies = new GroupCommit(timeline);

  return {
    async removeBefore(time, mayGoOn) {
      // An hour of which some rows are gone must not be counted again.
      const since = hourOf(time.toISOString());
      await (await rollups()).upsertEntity({ partitionKey: retained, rowKey: retained, since }, 'Replace');
      let removed = 0;
      let kept = 0;
      for await (const batch of oldRows(await timeline(), time)) {
        if (!mayGoOn()) return { removed, kept, isUnfinished: true };
        const old = batch.filter(({ row }) => !isOpen(row));
        kept += batch.length - old.length;
        await rows.apply(
          old.map(
            ({ row }): TableChange => ({
              type: 'delete',
              partitionKey: encodeDeviceId(row.deviceId),
              rowKey: row.rowKey,
            }),
          ),
        );
        await copies.apply(old.map(({ key }): TableChange => ({ type: 'delete', ...key })));
        removed += old.length;
      }
      return { removed, kept, isUnfinished: false };
    },
  };
}

/** The rows of all hours before a time, in batches: the range of partitions at the beginning of the timeline. */
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
