import { TableClient } from '@azure/data-tables';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startTableRecorder, type TableRecorder } from '../../../infra/bench/table-recorder.ts';
import { createHistoryIndex } from '../../../shared/drift/history-index.ts';
import { createRollups, type DriftRow, type Rollups } from '../../../shared/drift/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';
import { newStorageAccount } from '../../support/storage.ts';

let time = Date.UTC(2026, 0, 10);
const now = () => new Date(time);
const { upsertEntity } = TableClient.prototype;

let recorder: TableRecorder;
let rollups: Rollups;
let index: ReturnType<typeof createHistoryIndex>;
beforeAll(async () => {
  recorder = await startTableRecorder((await newStorageAccount()).endpoints.connectionString);
  rollups = createRollups(recorder.endpoints, now);
  index = createHistoryIndex(recorder.endpoints, now);
});
afterAll(() => recorder.close());
afterEach(() => {
  TableClient.prototype.upsertEntity = upsertEntity;
});

const detectedAt = now().toISOString();

/** Open rows, two for each device, of two policies. */
const openRows = (count: number): readonly DriftRow[] =>
  Array.from({ length: count }, (_, at) =>
    driftRow(`device-${Math.floor(at / 2)}`, detectedAt, {
      path: `p${at % 2}`,
      policy: at % 20 < 2 ? 'rare' : 'agent',
      outcome: 'audited',
    }),
  );
const list = (rows: readonly DriftRow[]) => index.put({ rows: [], listed: rows });
const devicesOf = ({ devices }: Awaited<ReturnType<Rollups['openCounts']>>) => Object.fromEntries(devices);

/** The same devices out of line with another policy too, with one row each. */
const alsoOther = (rows: readonly DriftRow[]) =>
  rows
    .filter(({ path }) => path === 'p0')
    .map((row) => driftRow(row.deviceId, detectedAt, { ...row, policy: 'also', rowKey: `${row.rowKey}also` }));

describe('the counts of the open list', () => {
  it('are those of now while at most 40 rows are open', async () => {
    await list(openRows(40));
    time += 1000;
    const counts = await rollups.openCounts();
    expect([counts.total, devicesOf(counts)]).toEqual([40, { agent: 18, rare: 2 }]);
    expect(counts.countedAt).toBe(now().toISOString());
  });

  it('are counted once when more rows are open and nothing is stored, and are then read', async () => {
    await list(openRows(60));
    const counts = await rollups.openCounts();
    expect([counts.total, devicesOf(counts)]).toEqual([60, { agent: 27, rare: 3 }]);
    expect(counts.outOfLine).toBe(30);
    const { result, requests } = await recorder.during(() => rollups.openCounts());
    expect(result).toEqual(counts);
    expect(requests).toHaveLength(2);
  });

  it('cost the same requests and at most 49 entities with 10,000 open rows', async () => {
    await list(openRows(10_000));
    const others = alsoOther(openRows(10_000));
    await list(others);
    time += 1000;
    // Each device is out of line once, however many policies it breaks.
    expect((await rollups.refresh([])).outOfLine).toBe(5000);
    await index.removeFromOpenList(others);
    await rollups.refresh([]);
    const counted = now().toISOString();
    time += 60_000;
    const { result, requests } = await recorder.during(() => rollups.openCounts());
    expect([result.total, devicesOf(result), result.countedAt]).toEqual([10_000, { agent: 4500, rare: 500 }, counted]);
    expect(result.outOfLine).toBe(5000);
    expect(requests).toHaveLength(2);
    expect(requests.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(49);
  }, 120_000);

  it('are whole counts of shards with the time of the oldest after a kill at any write, and exact after the next count', async () => {
    const closed = openRows(10_000).slice(5000);
    await rollups.refresh([]);
    const before = now().toISOString();
    await index.removeFromOpenList(closed);
    for (let killAt = 1; killAt <= 8; killAt++) {
      time += 1000;
      let writes = 0;
      TableClient.prototype.upsertEntity = function (this: TableClient, ...args: Parameters<typeof upsertEntity>) {
        return ++writes >= killAt ? Promise.reject(new Error('killed')) : upsertEntity.apply(this, args);
      } as typeof upsertEntity;
      await expect(rollups.refresh([])).rejects.toThrow('killed');
      const counts = await rollups.openCounts();
      expect(counts.total).toBeGreaterThanOrEqual(5000);
      expect(counts.total).toBeLessThanOrEqual(10_000);
      if (counts.total > 5000) expect(counts.countedAt).toBe(before);
    }
    TableClient.prototype.upsertEntity = upsertEntity;
    await rollups.refresh([]);
    const counts = await rollups.openCounts();
    expect([counts.total, devicesOf(counts), counts.countedAt]).toEqual([
      5000,
      { agent: 2250, rare: 250 },
      now().toISOString(),
    ]);
  }, 120_000);

  it('do not say how many devices are out of line where an earlier version of the app has counted, until the next count', async () => {
    const table = await openTable(recorder.endpoints, 'TwinkeeperRollups');
    for (const { outOfLine: _, timestamp: __, etag: ___, ...entity } of await collect(
      table.listEntities<Record<string, unknown>>({ queryOptions: { filter: "PartitionKey eq 'open'" } }),
    )) {
      await table.updateEntity({ ...entity, partitionKey: 'open', rowKey: String(entity.rowKey) }, 'Replace');
    }
    expect((await rollups.openCounts()).outOfLine).toBeUndefined();
    expect((await rollups.refresh([])).outOfLine).toBe(2500);
  });

  it('are at least the counts of the rows that were read when drift came after the last count', async () => {
    await index.removeFromOpenList(openRows(5000));
    await rollups.refresh([]);
    const counted = now().toISOString();
    expect((await rollups.openCounts()).total).toBe(0);
    await list(openRows(100));
    time += 1000;
    const counts = await rollups.openCounts();
    expect(counts.total).toBe(40);
    expect(counts.countedAt).toBe(counted);
  });
});
