import { TableClient } from '@azure/data-tables';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';
import { at, begin, hour, useRollups } from './rollups-fixture.ts';

const fixture = useRollups();
const listEntities = TableClient.prototype.listEntities;
afterEach(() => {
  TableClient.prototype.listEntities = listEntities;
});
const summary = () => fixture.rollups.summary(at(-48), at(72), 1);

describe('roll-ups', () => {
  it('have the same counts as counting all rows directly', async () => {
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
        fixture.time = begin + (run + 60) * hour;
        const rows = specs.map(({ deviceId, minute, ...more }, index) =>
          driftRow(`${run}-${deviceId}`, at(run + minute / 60), { ...more, path: `p${index}` }),
        );
        await fixture.record(...rows);
        await fixture.rollups.refresh([]);
        const { buckets, total, topDevices } = await fixture.rollups.summary(at(run), at(run + 60), 5);
        expect(total).toBe(rows.length);
        const bucketOf = (row: DriftRow) =>
          at(run + Math.floor((Date.parse(row.detectedAt) - begin - run * hour) / hour / 5) * 5);
        const expected = [...Map.groupBy(rows, bucketOf)].map(([from, bucketRows]) => ({
          from,
          total: bucketRows.length,
          byPolicy: countBy(bucketRows, 'policy'),
          byKind: countBy(bucketRows, 'kind'),
          byOutcome: countBy(bucketRows, 'outcome'),
          onboarding: { total: 0, byPolicy: {}, byKind: {}, byOutcome: {} },
        }));
        expect(buckets).toEqual(expected.toSorted((a, b) => (a.from < b.from ? -1 : 1)));
        expect(Object.fromEntries(topDevices.map(({ deviceId, count }) => [deviceId, count]))).toEqual(
          countBy(rows, 'deviceId'),
        );
      }),
      { numRuns: 10 },
    );
  });

  it('do not change when an hour is counted again', async () => {
    await fixture.record(driftRow('a', at(0)), driftRow('b', at(-5)));
    fixture.time = begin + 2 * hour;
    await fixture.rollups.refresh([]);
    const counted = await fixture.entities('TwinkeeperRollups');
    await fixture.rollups.refresh([]);
    await fixture.rollups.refresh([]);
    expect(await fixture.entities('TwinkeeperRollups')).toEqual(counted);
    expect(await fixture.total()).toBe(2);
  });

  it('do not read an unchanged hour again', async () => {
    await fixture.record(driftRow('a', at(0)));
    fixture.time = begin + 2 * hour;
    await fixture.rollups.refresh([]);
    await fixture.rollups.refresh([]);
    const filters: string[] = [];
    TableClient.prototype.listEntities = function (this: TableClient, options) {
      if (this.tableName === 'TwinkeeperTimeline') filters.push(String(options?.queryOptions?.filter));
      return listEntities.call(this, options) as ReturnType<typeof listEntities>;
    } as typeof listEntities;
    await fixture.rollups.refresh([]);
    expect(filters).toEqual(["PartitionKey ge '2026-01-10T02-0' and PartitionKey le '2026-01-10T02-b'"]);
  });

  it('count an old hour again when one of its rows gets another outcome', async () => {
    const row = driftRow('a', at(-30), { outcome: 'audited' });
    await fixture.record(row);
    await fixture.rollups.refresh([]);
    expect((await summary()).buckets).toMatchObject([{ byOutcome: { audited: 1 } }]);
    fixture.time = begin + 3 * hour;
    await fixture.record({ ...row, outcome: 'healed' });
    await fixture.rollups.refresh([]);
    expect((await summary()).buckets).toMatchObject([{ total: 1, byOutcome: { healed: 1 } }]);
  });

  it('include a row that is stored while its hour is counted', async () => {
    await fixture.record(driftRow('a', at(-5)));
    let isFirst = true;
    TableClient.prototype.listEntities = function (this: TableClient, options) {
      const pages = listEntities.call(this, options);
      if (this.tableName !== 'TwinkeeperTimeline' || !isFirst) return pages as ReturnType<typeof listEntities>;
      isFirst = false;
      // The second row is stored while the hour is counted: after the rows of the hour were read, and before the counts are stored.
      const slow = (async function* () {
        const read = await collect(pages);
        TableClient.prototype.listEntities = listEntities;
        await fixture.record(driftRow('b', at(-5)));
        yield* read;
      })();
      return slow as unknown as ReturnType<typeof listEntities>;
    } as typeof listEntities;
    await fixture.rollups.refresh([]);
    await fixture.rollups.refresh([]);
    expect(await fixture.total()).toBe(2);
  });

  it('include a row that is stored shortly after the end of an hour that was marked before', async () => {
    fixture.time = begin + 0.5 * hour;
    await fixture.record(driftRow('a', at(0.5)));
    fixture.time = begin + hour + 1000;
    await fixture.rollups.refresh([]);
    // The second row is written just before the end of the hour. The journal has marked the hour already, and does not mark the hour again.
    fixture.time = begin + hour - 1000;
    await fixture.record(driftRow('b', at(0.9)));
    fixture.time = begin + hour + 60_000;
    await fixture.rollups.refresh([]);
    expect(await fixture.total()).toBe(2);
  });

  it('replace a long text by a shorter one completely', async () => {
    const long = Array.from({ length: 60 }, (_, index) =>
      driftRow('a', at(-3), { path: `${index}.${'p'.repeat(900)}`, outcome: 'audited' }),
    );
    await fixture.record(...long);
    await fixture.rollups.refresh([]);
    const timeline = await openTable(fixture.account, 'TwinkeeperTimeline');
    for (const { partitionKey, rowKey } of (await collect(timeline.listEntities())).slice(1)) {
      await timeline.deleteEntity(String(partitionKey), String(rowKey));
    }
    await fixture.record({ ...(long[0] as DriftRow), outcome: 'failed' });
    await fixture.rollups.refresh([]);
    expect(await fixture.total()).toBeLessThan(3);
  });

  it('record the compliant devices of each policy by hour', async () => {
    await fixture.record(
      driftRow('a', at(0), { outcome: 'audited', path: 'x' }),
      driftRow('a', at(0), { outcome: 'audited', path: 'y' }),
      driftRow('b', at(0), { outcome: 'failed' }),
      driftRow('c', at(0), { outcome: 'failed', policy: 'other' }),
    );
    const policies = [
      { name: 'agent', devices: 10 },
      { name: 'other', devices: undefined },
    ];
    await fixture.rollups.refresh(policies);
    fixture.time = begin + 1.5 * hour;
    await fixture.rollups.refresh(policies);
    expect((await summary()).compliance).toMatchObject([
      { at: at(0), policy: 'agent', devices: 10, compliant: 8 },
      { at: at(1), policy: 'agent', devices: 10, compliant: 8 },
    ]);
    expect([...(await fixture.rollups.openCounts()).devices].toSorted()).toEqual([
      ['agent', 2],
      ['other', 1],
    ]);
  });
});

function countBy(rows: readonly DriftRow[], name: 'policy' | 'kind' | 'outcome' | 'deviceId'): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(rows, (row) => row[name])].map(([key, group]) => [key, group.length]));
}
