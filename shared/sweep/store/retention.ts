import { once } from '../../once.ts';
import { GroupCommit, openTable, type StorageAccount } from '../../storage/index.ts';
import { bytesPrefix, partsPrefix, sweepRows, sweepsFrom, sweepTable } from './keys.ts';
import { createSweepLead } from './lead.ts';

/** What a run of {@link createSweepRetention} did. */
export interface SweepRetentionResult {
  /** Sweeps whose rows are gone. */
  readonly removed: number;
  /** Whether there is more to remove, for which the time did not suffice. */
  readonly isUnfinished: boolean;
}

export interface SweepRetention {
  removeBefore(time: Date, mayGoOn: () => boolean): Promise<SweepRetentionResult>;
}

/** As many as a transaction takes. */
const entitiesPerBatch = 100;

/**
 * Removes the sweeps that were begun before a time, but for the one that is under way or, where none is, the last. Rows go first, then parts
 * and bytes, which are found by keys of their own: so it may be interrupted anywhere, the next run finds what is left, and no row is ever
 * told without what its parts add to it. `mayGoOn` is asked before each batch.
 */
export function createSweepRetention(account: StorageAccount): SweepRetention {
  const table = once(() => openTable(account, sweepTable));
  const lead = createSweepLead(table);
  const removal = new GroupCommit(table);

  return {
    async removeBefore(time: Date, mayGoOn: () => boolean): Promise<SweepRetentionResult> {
      // No other can come to be under way: one that is over is never gone on with, and a new one has a new id.
      const kept = (await lead.find())?.sweepId;
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
            .filter((entity) => sweepOf(entity) !== kept);
          await removal.apply(old);
          removed += old.filter(({ partitionKey }) => partitionKey === sweepRows).length;
        }
      }
      return { removed, isUnfinished: false };
    },
  };
}

/** Older ones sort last: the end of the partition of rows, and of the range of partitions that belong to one sweep each. */
async function rangesBefore(time: Date): Promise<readonly string[]> {
  const { odata } = await import('@azure/data-tables');
  const first = sweepsFrom(time.getTime());
  return [
    odata`PartitionKey eq ${sweepRows} and RowKey gt ${first}`,
    ...[partsPrefix, bytesPrefix].map(
      (prefix) => odata`PartitionKey gt ${`${prefix}${first}`} and PartitionKey lt ${`${prefix}~`}`,
    ),
  ];
}

/** The id of the sweep that an entity belongs to. */
function sweepOf({ partitionKey, rowKey }: { readonly partitionKey: string; readonly rowKey: string }): string {
  return partitionKey === sweepRows ? rowKey : partitionKey.slice(partitionKey.indexOf('!') + 1);
}
