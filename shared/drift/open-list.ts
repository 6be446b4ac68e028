import { once } from '../once.ts';
import {
  encodeDeviceId,
  ignoreNotFound,
  loadFilterTag,
  openTable,
  type StorageAccount,
  statusOf,
} from '../storage/index.ts';
import { type DriftRow, isOpen } from './departure.ts';
import { createHistoryIndex, openListTable } from './history-index.ts';
import { fromEntity } from './row-entity.ts';
import { openListKey, openShards } from './timeline-keys.ts';

/**
 * The open list: a table with a copy of each open row. The sweep reads the list. After a crash, the list can also hold rows that are over.
 */
export interface OpenList {
  /**
   * Reads up to `limit` rows of the open list, in a fixed order. `after` is the `next` of the previous page of rows. The last page has no
   * `next`. Reads the shards of the list in order.
   */
  page(limit: number, after?: string): Promise<{ readonly rows: readonly DriftRow[]; readonly next?: string }>;
  /**
   * Compares rows of the open list with the journal, and returns the rows that are open in the journal. Reads each row by its key. Removes
   * rows that are over from the open list.
   */
  confirm(rows: readonly DriftRow[]): Promise<readonly DriftRow[]>;
  /** Reads the rows of a policy whose drift waits for a repair. Leaves out `audited` rows. Reads one range of keys in each shard. */
  unrepaired(policy: string): AsyncIterable<ListedRow>;
}

/** The fields of a row that the open list returns without the values of the property. */
export type ListedRow = Pick<DriftRow, (typeof listedColumns)[number]>;

const listedColumns = [
  'deviceId',
  'moduleId',
  'policy',
  'path',
  'kind',
  'outcome',
  'outcomeAt',
  'error',
  'twinVersion',
] as const satisfies readonly (keyof DriftRow)[];

/**
 * Milliseconds after which a row of the open list must also be in the journal. A younger row may belong to a write that is not finished
 * yet.
 */
const journalDelay = 10 * 60_000;

/** Creates the open list of a storage account. Errors of the storage service are thrown unchanged. */
export function createOpenList(account: StorageAccount, now: () => Date): OpenList {
  const drift = once(() => openTable(account, 'TwinkeeperDrift'));
  const list = once(() => openTable(account, openListTable));
  const index = createHistoryIndex(account, now);

  /** Returns the journal's version of a listed row when that version is open, and otherwise no row. */
  async function confirmRow(row: DriftRow): Promise<readonly DriftRow[]> {
    const client = await drift();
    const stored = await client
      .getEntity<Record<string, unknown>>(encodeDeviceId(row.deviceId), row.rowKey)
      .then(fromEntity, ignoreNotFound);
    if (stored !== undefined && isOpen(stored)) {
      // Two processes that write at the same time can leave different outcomes in the journal and in the open list.
      if (stored.outcome !== 'pending' && stored.outcomeAt !== row.outcomeAt) {
        await index.put({ rows: [stored], listed: [stored] });
      }
      return [stored];
    }
    const { partitionKey: shard, rowKey } = openListKey(row);
    const entry = await (await list()).getEntity(shard, rowKey).catch(ignoreNotFound);
    if (entry === undefined || now().getTime() - Date.parse(entry.timestamp ?? '') < journalDelay) return [];
    await (await list()).deleteEntity(shard, rowKey, { etag: entry.etag }).catch((error: unknown) => {
      if (statusOf(error) !== 412) ignoreNotFound(error);
    });
    if (stored !== undefined) await index.put({ rows: [stored], listed: [] });
    return [];
  }

  return {
    async page(limit, after) {
      const odata = await loadFilterTag();
      const client = await list();
      const [firstShard = openShards[0], key = ''] = after?.split(' ') ?? [];
      const rows: DriftRow[] = [];
      for (const shard of openShards.filter((name) => name >= firstShard)) {
        const filter = odata`PartitionKey eq ${shard} and RowKey gt ${shard === firstShard ? key : ''}`;
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

    async *unrepaired(policy) {
      const odata = await loadFilterTag();
      const client = await list();
      for (const shard of openShards) {
        // `"` is the character after `!`, so the range holds all keys that begin with the policy's name and `!`.
        const range = odata`PartitionKey eq ${shard} and RowKey gt ${`${policy}!`} and RowKey lt ${`${policy}"`}`;
        const filter = `${range} and outcome ne 'audited'`;
        const select = [...listedColumns];
        for await (const entity of client.listEntities<Record<string, unknown>>({ queryOptions: { filter, select } })) {
          yield fromEntity(entity);
        }
      }
    },

    async confirm(rows) {
      return (await Promise.all(rows.map(confirmRow))).flat();
    },
  };
}
