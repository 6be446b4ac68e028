import { TableClient } from '@azure/data-tables';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startAzurite } from '../../../infra/local/azurite.ts';
import {
  createHistory,
  createJournal,
  createRetention,
  createRollups,
  type DriftRow,
  type Journal,
  type Rollups,
} from '../../../shared/drift/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';

const hour = 3600_000;
const begin = Date.UTC(2026, 0, 10);
const at = (hours: number) => new Date(begin + hours * hour).toISOString();

let azurite: Awaited<ReturnType<typeof startAzurite>>;
let time = begin;
const now = () => new Date(time);
let journal: Journal;
let rollups: Rollups;
beforeAll(async () => {
  azurite = await startAzurite();
  rollups = createRollups(azurite.endpoints, now);
});
afterAll(() => azurite.close());
const list = TableClient.prototype.listEntities;
afterEach(() => {
  TableClient.prototype.listEntities = list;
});
beforeEach(async () => {
  time = begin;
  // A process that begins: it has marked nothing yet.
  journal = createJournal(azurite.endpoints, now);
  for (const name of ['TwinkeeperDrift', 'TwinkeeperTimeline', 'TwinkeeperOpen', 'TwinkeeperRollups']) {
    const table = await openTable(azurite.endpoints, name);
    for (const { partitionKey, rowKey } of await collect(table.listEntities())) {
      await table.deleteEntity(String(partitionKey), String(rowKey));
    }
  }
});

async function record(...rows: readonly DriftRow[]): Promise<void> {
  for (const [deviceId, its] of Map.groupBy(rows, (row) => row.deviceId)) {
    await journal.write(deviceId, its, await journal.read(deviceId, at(-10_000)));
  }
}
const summary = () => rollups.summary(at(-48), at(72), 1);
const total = async () => (await summary()).total;
const entities = async (name: string) =>
  (await collect((await openTable(azurite.endpoints, name)).listEntities<Record<string, unknown>>())).map(
    ({ etag: _, timestamp: __, ...entity }) => entity,
  );

describe('roll-ups', () => {
  it('come to what counting all rows comes to', async () => {
    const anyRow = fc.record({
      deviceId: fc.constantFrom('a', 'b', 'c'),
      minute: fc.nat(50 * 60),
      policy: fc.constantFrom('one', 'two'),
      kind: fc.constantFrom('wrongValue' as const, 'custom' as const),
      outcome: fc.constantFrom('enforced' as const, 'audited' as const),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 12 }), async (specs) => {
        run += 1000;
        time = begin + (run + 60) * hour;
        const rows = specs.map(({ deviceId, minute, ...more }, index) =>
          driftRow(`${run}-${deviceId}`, at(run + minute / 60), { ...more, path: `p${index}` }),
        );
        await record(...rows);
        await rollups.refresh([]);
        const { buckets, total: all, topDevices } = await rollups.summary(at(run), at(run + 60), 5);
        expect(all).toBe(rows.length);
        const bucketOf = (row: DriftRow) =>
          at(run + Math.floor((Date.parse(row.detectedAt) - begin - run * hour) / hour / 5) * 5);
        const expected = [...Map.groupBy(rows, bucketOf)].map(([from, its]) => ({
          from,
          total: its.length,
          byPolicy: countBy(its, 'policy'),
          byKind: countBy(its, 'kind'),
          byOutcome: countBy(its, 'outcome'),
        }));
        expect(buckets).toEqual(expected.toSorted((a, b) => (a.from < b.from ? -1 : 1)));
        expect(Object.fromEntries(topDevices.map(({ deviceId, count }) => [deviceId, count]))).toEqual(
          countBy(rows, 'deviceId'),
        );
      }),
      { numRuns: 10 },
    );
  });

  it('are the same however often they are counted', async () => {
    await record(driftRow('a', at(0)), driftRow('b', at(-5)));
    time = begin + 2 * hour;
    await rollups.refresh([]);
    const counted = await entities('TwinkeeperRollups');
    await rollups.refresh([]);
    await rollups.refresh([]);
    expect(await entities('TwinkeeperRollups')).toEqual(counted);
    expect(await total()).toBe(2);
  });

  it('do not read an hour again that has not changed', async () => {
    await record(driftRow('a', at(0)));
    time = begin + 2 * hour;
    await rollups.refresh([]);
    await rollups.refresh([]);
    const asked: string[] = [];
    TableClient.prototype.listEntities = function (this: TableClient, options) {
      if (this.tableName === 'TwinkeeperTimeline') asked.push(String(options?.queryOptions?.filter));
      return list.call(this, options) as ReturnType<typeof list>;
    } as typeof list;
    await rollups.refresh([]);
    expect(asked).toEqual(["PartitionKey eq '2026-01-10T02'"]);
  });

  it('count an hour of old again when a row of it gets another outcome', async () => {
    const row = driftRow('a', at(-30), { outcome: 'audited' });
    await record(row);
    await rollups.refresh([]);
    expect((await summary()).buckets).toMatchObject([{ byOutcome: { audited: 1 } }]);
    time = begin + 3 * hour;
    await record({ ...row, outcome: 'healed' });
    await rollups.refresh([]);
    expect((await summary()).buckets).toMatchObject([{ total: 1, byOutcome: { healed: 1 } }]);
  });

  it('lose no row that comes just as its hour is being counted', async () => {
    await record(driftRow('a', at(-5)));
    let isFirst = true;
    TableClient.prototype.listEntities = function (this: TableClient, options) {
      const pages = list.call(this, options);
      if (this.tableName !== 'TwinkeeperTimeline' || !isFirst) return pages as ReturnType<typeof list>;
      isFirst = false;
      // What is read was there before; and the next row is stored as a whole before the hour is said to be counted.
      const slow = (async function* () {
        const read = await collect(pages);
        TableClient.prototype.listEntities = list;
        await record(driftRow('b', at(-5)));
        yield* read;
      })();
      return slow as unknown as ReturnType<typeof list>;
    } as typeof list;
    await rollups.refresh([]);
    await rollups.refresh([]);
    expect(await total()).toBe(2);
  });

  it('lose no row whose process noted while the hour lasted that it changes, and was slow to write', async () => {
    time = begin + 0.5 * hour;
    await record(driftRow('a', at(0.5)));
    time = begin + hour + 1000;
    await rollups.refresh([]);
    // As if stored before the hour was over, and seen only now.
    time = begin + hour - 1000;
    await record(driftRow('b', at(0.9)));
    time = begin + hour + 60_000;
    await rollups.refresh([]);
    expect(await total()).toBe(2);
  });

  it('get shorter than they were without a rest of what they said', async () => {
    const long = Array.from({ length: 60 }, (_, index) =>
      driftRow('a', at(-3), { path: `${index}.${'p'.repeat(900)}`, outcome: 'audited' }),
    );
    await record(...long);
    await rollups.refresh([]);
    const timeline = await openTable(azurite.endpoints, 'TwinkeeperTimeline');
    for (const { partitionKey, rowKey } of (await collect(timeline.listEntities())).slice(1)) {
      await timeline.deleteEntity(String(partitionKey), String(rowKey));
    }
    await record({ ...(long[0] as DriftRow), outcome: 'failed' });
    await rollups.refresh([]);
    expect(await total()).toBeLessThan(3);
  });

  it('tell how many devices were in line, hour by hour', async () => {
    await record(
      driftRow('a', at(0), { outcome: 'audited', path: 'x' }),
      driftRow('a', at(0), { outcome: 'audited', path: 'y' }),
      driftRow('b', at(0), { outcome: 'failed' }),
      driftRow('c', at(0), { outcome: 'failed', policy: 'other' }),
    );
    const policies = [
      { name: 'agent', devices: 10 },
      { name: 'other', devices: undefined },
    ];
    await rollups.refresh(policies);
    time = begin + 1.5 * hour;
    await rollups.refresh(policies);
    expect((await summary()).compliance).toEqual([
      { at: '2026-01-10T00:00:00Z', policy: 'agent', devices: 10, compliant: 8 },
      { at: '2026-01-10T01:00:00Z', policy: 'agent', devices: 10, compliant: 8 },
    ]);
    expect([...(await rollups.openDevices())].toSorted()).toEqual([
      ['agent', 2],
      ['other', 1],
    ]);
  });
});

describe('retention', () => {
  const old = (deviceId: string, hours: number, more: Partial<DriftRow> = {}) => driftRow(deviceId, at(-hours), more);
  const everything = () => true;

  it('removes rows of old from their devices and from the timeline, and no younger ones', async () => {
    const young = old('a', 10, { path: 'young' });
    await record(old('a', 100), old('b', 50), young);
    const retention = createRetention(azurite.endpoints);
    expect(await retention.removeBefore(new Date(at(-48)), everything)).toEqual({
      removed: 2,
      kept: 0,
      isUnfinished: false,
    });
    expect((await journal.read('a', at(-1000))).recent).toEqual([young]);
    expect((await journal.read('b', at(-1000))).recent).toEqual([]);
    expect(await entities('TwinkeeperTimeline')).toHaveLength(1);
  });

  it('keeps what is still open, and removes it once it is over', async () => {
    const open = old('a', 100, { outcome: 'audited' });
    await record(open);
    const retention = createRetention(azurite.endpoints);
    expect(await retention.removeBefore(now(), everything)).toMatchObject({ removed: 0, kept: 1 });
    expect((await createHistory(azurite.endpoints, now).open({}, 10)).rows).toEqual([open]);
    await record({ ...open, closedAt: at(0) });
    expect(await retention.removeBefore(now(), everything)).toMatchObject({ removed: 1, kept: 0 });
    expect(await entities('TwinkeeperDrift')).toEqual([]);
  });

  it('can be interrupted between batches and within one, and is done by the next run', async () => {
    await record(...Array.from({ length: 230 }, (_, index) => old('a', 60, { path: `p${index}` })));
    const retention = createRetention(azurite.endpoints);
    let batches = 0;
    expect(await retention.removeBefore(now(), () => ++batches <= 1)).toEqual({
      removed: 100,
      kept: 0,
      isUnfinished: true,
    });
    const submit = TableClient.prototype.submitTransaction;
    TableClient.prototype.submitTransaction = async function (this: TableClient, actions) {
      if (this.tableName === 'TwinkeeperTimeline') throw new Error('killed');
      return submit.call(this, actions);
    };
    await expect(retention.removeBefore(now(), everything)).rejects.toThrow('killed');
    TableClient.prototype.submitTransaction = submit;
    expect(await retention.removeBefore(now(), everything)).toMatchObject({ isUnfinished: false });
    expect(await entities('TwinkeeperDrift')).toEqual([]);
    expect(await entities('TwinkeeperTimeline')).toEqual([]);
  });

  it('leaves roll-ups as they were, also when a row of that time is changed later', async () => {
    const open = old('a', 40, { outcome: 'audited' });
    await record(open, old('b', 40), old('c', 40));
    await rollups.refresh([]);
    expect(await total()).toBe(3);
    await createRetention(azurite.endpoints).removeBefore(new Date(at(-20)), everything);
    await record({ ...open, closedAt: at(0) });
    time = begin + hour;
    await rollups.refresh([]);
    await rollups.refresh([]);
    expect(await total()).toBe(3);
  });
});

function countBy(rows: readonly DriftRow[], name: 'policy' | 'kind' | 'outcome' | 'deviceId'): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(rows, (row) => row[name])].map(([key, its]) => [key, its.length]));
}
