import type { TableClient } from '@azure/data-tables';
import { ignoreNotFound, listPartition } from '../../storage/index.ts';
import { partsPrefix, sweepRows } from './keys.ts';
import { fromSweepEntity, type SweepCounts, type SweepRow, toSweepEntity } from './row.ts';

/** A row for each sweep that there was, and what the parts of its work came to. */
export interface SweepRows {
  put(row: SweepRow): Promise<void>;
  addPart(sweepId: string, part: string, tally: SweepCounts): Promise<void>;
  list(limit: number, after?: string): Promise<readonly SweepRow[]>;
  get(id: string): Promise<SweepRow | undefined>;
}

/** The largest page that Table Storage gives. */
const rowsPerRequest = 1000;

/** The rows of the sweeps in their table. */
export function createSweepRows(table: () => Promise<TableClient>, now: () => Date): SweepRows {
  /** Reads the sweep's own partition of parts, whole: a row for each hundred devices that it found. */
  async function withParts(row: SweepRow): Promise<SweepRow> {
    let sum = row;
    for await (const entity of listPartition(await table(), `${partsPrefix}${row.id}`)) {
      const number = (name: string) => (typeof entity[name] === 'number' ? entity[name] : 0);
      sum = {
        ...sum,
        examined: sum.examined + number('examined'),
        found: sum.found + number('found'),
        changed: sum.changed + number('changed'),
        hubCalls: sum.hubCalls + number('hubCalls'),
        deferred: sum.deferred + number('deferred'),
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

    async addPart(sweepId, part, tally) {
      const client = await table();
      const key = { partitionKey: `${partsPrefix}${sweepId}`, rowKey: part };
      const known = await client.getEntity<Record<string, unknown>>(key.partitionKey, key.rowKey).catch(ignoreNotFound);
      const larger = Object.fromEntries(
        Object.entries(tally).map(([name, count]) => [name, Math.max(count, Number(known?.[name] ?? 0))]),
      );
      await client.upsertEntity({ ...key, ...larger, at: now().toISOString() }, 'Replace');
    },

    async list(limit, after = '') {
      const { odata } = await import('@azure/data-tables');
      // From the place on, in the one partition of rows; no more is read of it than is wanted.
      const filter = odata`PartitionKey eq ${sweepRows} and RowKey gt ${after}`;
      const pages = (await table())
        .listEntities<Record<string, unknown>>({ queryOptions: { filter } })
        .byPage({ maxPageSize: Math.min(limit, rowsPerRequest) });
      const rows: SweepRow[] = [];
      for await (const page of pages) {
        rows.push(...page.map(fromSweepEntity).slice(0, limit - rows.length));
        if (rows.length === limit) break;
      }
      return Promise.all(rows.map(withParts));
    },

    async get(id) {
      const client = await table();
      const entity = await client.getEntity<Record<string, unknown>>(sweepRows, id).catch(ignoreNotFound);
      return entity === undefined ? undefined : withParts(fromSweepEntity(entity));
    },
  };
}
