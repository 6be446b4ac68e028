import { once } from '../../once.ts';
import { GroupCommit, openTable, type StorageAccount } from '../../storage/index.ts';
import { bytesPrefix, sweepIdPrefix, sweepPartition, sweepTable, workItemsPrefix } from './keys.ts';
import { createLeaseStore } from './lease.ts';

/** The result of one run of {@link createSweepRetention}. */
export interface SweepRetentionResult {
  /** Number of sweeps whose row was removed. */
  readonly removed: number;
  /** True where time ran out and old entities may be left. */
  readonly isUnfinished: boolean;
}

export interface SweepRetention {
  removeBefore(time: Date, mayGoOn: () => boolean): Promise<SweepRetentionResult>;
}

/** The most entities that one transaction takes. */
const entitiesPerBatch = 100;

/**
 * Removes the sweeps that started before a time. Keeps the sweep that the lease names: the current one, or else the last one.
 *
 * A sweep's row is removed before its work items and bytes. So no row is ever shown without the counts of its work items. A run may be
 * interrupted anywhere: the next run finds the rest by their keys. `mayGoOn` is called before each batch.
 */
export function createSweepRetention(account: StorageAccount): SweepRetention {
  const table = once(() => openTable(account, sweepTable));
  const leases = createLeaseStore(table);
  const removal = new GroupCommit(table);

  return {
    async removeBefore(time: Date, mayGoOn: () => boolean): Promise<SweepRetentionResult> {
      // No other old sweep can become the current one: a sweep that is over is never resumed, and a new sweep has a new id.
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

/** Filters for the entities of old sweeps. Older ids sort last: in the partition of rows, and among the partitions per sweep. */
async function rangesBefore(time: Date): Promise<readonly string[]> {
  const { odata } = await import('@azure/data-tables');
  const first = sweepIdPrefix(time.getTime());
  return [
    odata`PartitionKey eq ${sweepPartition} and RowKey gt ${first}`,
    ...[workItemsPrefix, bytesPrefix].map(
      (prefix) => odata`PartitionKey gt ${`${prefix}${first}`} and PartitionKey lt ${`${prefix}~`}`,
    ),
  ];
}

/** The id of the sweep that an entity belongs to. */
function sweepIdOf({ partitionKey, rowKey }: { readonly partitionKey: string; readonly rowKey: string }): string {
  return partitionKey === sweepPartition ? rowKey : partitionKey.slice(partitionKey.indexOf('!') + 1);
}
