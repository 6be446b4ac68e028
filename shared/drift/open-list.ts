import { once } from '../once.ts';
import { encodeDeviceId, ignoreNotFound, openTable, type StorageAccount, statusOf } from '../storage/index.ts';
import { type DriftRow, isOpen } from './departure.ts';
import { createHistoryIndex, openListTable } from './history-index.ts';
import { fromEntity } from './row-entity.ts';
import { openListKey, openShards } from './timeline-keys.ts';

/** What is out of line, for who sees to it that it is: a list that a crash may have left with too much in it. */
export interface OpenList {
  /**
   * So many rows after this place in an order that never changes, from its beginning without one. Without `next` it is the end. Reads the
   * shards of the list one after the other, of each the range of keys after the place.
   */
  page(limit: number, after?: string): Promise<{ readonly rows: readonly DriftRow[]; readonly next?: string }>;
  /**
   * Those of these rows that are open by their devices' own records, each read by its key. What is over, and was in the list by mistake,
   * leaves it.
   */
  confirm(rows: readonly DriftRow[]): Promise<readonly DriftRow[]>;
}

/** Whoever puts a row there stores it within this time, in milliseconds. */
const settlesAfter = 10 * 60_000;

/** The list of what is out of line in a storage account. Errors of the storage service are thrown as they come. */
export function createOpenList(account: StorageAccount, now: () => Date): OpenList {
  const drift = once(() => openTable(account, 'TwinkeeperDrift'));
  const list = once(() => openTable(account, openListTable));
  const index = createHistoryIndex(account, now);

  async function confirmOne(row: DriftRow): Promise<readonly DriftRow[]> {
    const client = await drift();
    const stored = await client
      .getEntity<Record<string, unknown>>(encodeDeviceId(row.deviceId), row.rowKey)
      .then(fromEntity, ignoreNotFound);
    if (stored !== undefined && isOpen(stored)) {
      // What two have written at the same time may differ.
      if (stored.outcome !== 'pending' && stored.outcomeAt !== row.outcomeAt) {
        await index.put({ rows: [stored], listed: [stored] });
      }
      return [stored];
    }
    const { partitionKey: shard, rowKey } = openListKey(row);
    const entry = await (await list()).getEntity(shard, rowKey).catch(ignoreNotFound);
    if (entry === undefined || now().getTime() - Date.parse(entry.timestamp ?? '') < settlesAfter) return [];
    await (await list()).deleteEntity(shard, rowKey, { etag: entry.etag }).catch((error: unknown) => {
      if (statusOf(error) !== 412) ignoreNotFound(error);
    });
    if (stored !== undefined) await index.put({ rows: [stored], listed: [] });
    return [];
  }

  return {
    async page(limit, after) {
      const { odata } = await import('@azure/data-tables');
      const client = await list();
      const [first = openShards[0], key = ''] = after?.split(' ') ?? [];
      const rows: DriftRow[] = [];
      for (const shard of openShards.filter((name) => name >= first)) {
        const filter = odata`PartitionKey eq ${shard} and RowKey gt ${shard === first ? key : ''}`;
        const pages = client
          .listEntities<Record<string, unknown>>({ queryOptions: { filter } })
          .byPage({ maxPageSize: Math.min(1000, limit - rows.length) });
        for await (const page of pages) {
          for (const entity of page) {
            rows.push(fromEntity(entity));
            if (rows.length === limit) return { rows, next: `${shard} ${entity.rowKey}` };
          }
        }
      }
      return { rows };
    },

    async confirm(rows) {
      return (await Promise.all(rows.map(confirmOne))).flat();
    },
  };
}
