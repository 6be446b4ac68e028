import type { TableClient } from '@azure/data-tables';
import { ignoreNotFound, listPartition, loadFilterTag } from '../../storage/index.ts';
import { sweepIdPrefix, sweepPartition, workItemsPrefix } from './keys.ts';
import { fromSweepEntity, type SweepCounts, type SweepRow, toSweepEntity } from './row.ts';
import { createWorkItems } from './work-items.ts';

/** Stores one row per sweep, and the counts of each work item. `SweepStore` documents the methods. */
export interface SweepRows {
  put(row: SweepRow): Promise<void>;
  recordWorkItem(sweepId: string, workItem: string, counts: SweepCounts): Promise<void>;
  list(limit: number, after?: string): Promise<readonly SweepRow[]>;
  get(id: string): Promise<SweepRow | undefined>;
  doneBefore(time: Date, limit: number): Promise<readonly SweepRow[]>;
}

/** Maximum number of rows that Table Storage returns per request. */
const rowsPerRequest = 1000;

/** Keeps the rows of sweeps in the table `TwinkeeperSweeps`. */
export function createSweepRows(table: () => Promise<TableClient>, now: () => Date): SweepRows {
  const workItems = createWorkItems(table, now);

  /** Adds the counts of all work items to a sweep's row. Reads one entity per work item, so about one entity per 100 devices. */
  async function withWorkItems(row: SweepRow, waiting: ReadonlyMap<string, number>): Promise<SweepRow> {
    let sum: SweepRow = { ...row, waiting: waiting.get(row.id) ?? 0 };
    for await (const entity of listPartition(await table(), `${workItemsPrefix}${row.id}`)) {
      const count = (name: string) => (typeof entity[name] === 'number' ? entity[name] : 0);
      sum = {
        ...sum,
        examined: sum.examined + count('examined'),
        found: sum.found + count('found'),
        changed: sum.changed + count('changed'),
        hubCalls: sum.hubCalls + count('hubCalls'),
        deferred: sum.deferred + count('deferred'),
        // A row key `<work item>.<n>` is the nth retry of a work item. A retry is not counted as another work item.
        // The state of a backfill says why the backfill went another way.
        ...(typeof entity.note === 'string' ? { warnings: [...sum.warnings, entity.note] } : {}),
        partsDone: sum.partsDone + (String(entity.rowKey).includes('.') ? 0 : 1),
        ...(typeof entity.at === 'string' && entity.at > (sum.lastPartAt ?? '') ? { lastPartAt: entity.at } : {}),
      };
    }
    return sum;
  }

  return {
    async put(row) {
      await (await table()).upsertEntity(toSweepEntity(row), 'Replace');
    },

    async recordWorkItem(sweepId, workItem, counts) {
      const client = await table();
      const key = { partitionKey: `${workItemsPrefix}${sweepId}`, rowKey: workItem };
      const known = await client.getEntity<Record<string, unknown>>(key.partitionKey, key.rowKey).catch(ignoreNotFound);
      const larger = Object.fromEntries(
        Object.entries(counts).map(([name, count]) => [name, Math.max(count, Number(known?.[name] ?? 0))]),
      );
      await client.upsertEntity({ ...key, ...larger, at: now().toISOString() }, 'Replace');
    },

    async list(limit, after = '') {
      const odata = await loadFilterTag();
      const filter = odata`PartitionKey eq ${sweepPartition} and RowKey gt ${after}`;
      const pages = (await table())
        .listEntities<Record<string, unknown>>({ queryOptions: { filter } })
        .byPage({ maxPageSize: Math.min(limit, rowsPerRequest) });
      const rows: SweepRow[] = [];
      for await (const page of pages) {
        rows.push(...page.map(fromSweepEntity).slice(0, limit - rows.length));
        if (rows.length === limit) break;
      }
      const waiting = await workItems.waiting();
      return Promise.all(rows.map((row) => withWorkItems(row, waiting)));
    },

    async get(id) {
      const client = await table();
      const entity = await client.getEntity<Record<string, unknown>>(sweepPartition, id).catch(ignoreNotFound);
      return entity === undefined ? undefined : withWorkItems(fromSweepEntity(entity), await workItems.waiting());
    },

    async doneBefore(time, limit) {
      const odata = await loadFilterTag();
      const filter = odata`PartitionKey eq ${sweepPartition} and RowKey gt ${sweepIdPrefix(time.getTime())} and state eq 'done'`;
      const rows: SweepRow[] = [];
      for await (const entity of (await table()).listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
        rows.push(fromSweepEntity(entity));
        if (rows.length === limit) break;
      }
      return rows;
    },
  };
}
