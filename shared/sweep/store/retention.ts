import { once } from '../../once.ts';
import { endOfPrefix, GroupCommit, loadFilterTag, openTable, type StorageAccount } from '../../storage/index.ts';
import { bytesPrefix, sweepIdPrefix, sweepPartition, sweepTable, workItemsPrefix } from './keys.ts';
import { createLeaseStore } from './lease.ts';

/** The result of one call of `removeBefore`. */
export interface SweepRetentionResult {
  /** Number of sweeps whose row was removed. */
  readonly removed: number;
  /** True where time ran out before all old entities were removed. */
  readonly isUnfinished: boolean;
}

export interface SweepRetention {
  removeBefore(time: Date, mayGoOn: () => boolean): Promise<SweepRetentionResult>;
}

/** Maximum number of entities in one transaction of Table Storage. */
const entitiesPerBatch = 100;

/**
 * Removes the sweeps that started before a time. Keeps the sweep that the lease names: this is the current sweep or the last one.
 *
 * The row of a sweep is removed before its work items and bytes. So a row is never shown without the counts of its work items. After an
 * interruption, the next call finds the remaining entities by their keys. `mayGoOn` is called before each batch. If it returns false, the
 * removal stops.
 */
export function createSweepRetention(account: StorageAccount): SweepRetention {
  const table = once(() => openTable(account, sweepTable));
  const leases = createLeaseStore(table);
  const removal = new GroupCommit(table);

  return {
    async removeBefore(time: Date, mayGoOn: () => boolean): Promise<SweepRetentionResult> {
      // No other old sweep can become the current sweep: a sweep that is over is never resumed, and a new sweep has a new id.
      const kept = (await leases.find())?.sweepId;
      const client = await table();
      let removed = 0;
      for (const filter of await rangesBefore(time)) {
        const pages = client
          .listEntities({ queryOptions: { filter, select: ['partitionKey', 'rowKey'] } })
          .byPage({ maxPageSize: entitiesPerBatch });
        for await (const page of pages) {
          if (!mayGoOn()) return { removed, isUnfinished: true };
          const old = page
            .map(({ partitionKey = '', rowKey = '' }) => ({ type: 'delete' as const, partitionKey, rowKey }))
            .filter((entity) => sweepIdOf(entity) !== kept);
          await removal.apply(old);
          removed += old.filter(({ partitionKey }) => partitionKey === sweepPartition).length;
        }
      }
      return { removed, isUnfinished: false };
    },
  };
}

/**
 * Returns the table filters for the entities of old sweeps. Ids of older sweeps sort last, both as row keys and in the names of partitions.
 */
async function rangesBefore(time: Date): Promise<readonly string[]> {
  const odata = await loadFilterTag();
  const first = sweepIdPrefix(time.getTime());
  return [
    odata`PartitionKey eq ${sweepPartition} and RowKey gt ${first}`,
    ...[workItemsPrefix, bytesPrefix].map(
      (prefix) => odata`PartitionKey gt ${`${prefix}${first}`} and PartitionKey lt ${endOfPrefix(prefix)}`,
    ),
  ];
}

/** Returns the id of the sweep to which an entity belongs. */
function sweepIdOf({ partitionKey, rowKey }: { readonly partitionKey: string; readonly rowKey: string }): string {
  return partitionKey === sweepPartition ? rowKey : partitionKey.slice(partitionKey.indexOf('!') + 1);
}
