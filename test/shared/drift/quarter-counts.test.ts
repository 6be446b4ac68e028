import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { startTableRecorder } from '../../../infra/bench/table-recorder.ts';
import { noCounts } from '../../../shared/drift/hour-counts.ts';
import { createRollups, type DriftRow } from '../../../shared/drift/index.ts';
import { readQuarters } from '../../../shared/drift/quarter-counts.ts';
import { openTable, splitText } from '../../../shared/storage/index.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';
import { at, begin, hour, useRollups } from './rollups-fixture.ts';

const fixture = useRollups();

/** Records rows in some hours of thirty days, and counts them. The clock then shows noon of the last day. */
async function thirtyDays(): Promise<readonly DriftRow[]> {
  const rows = Array.from({ length: 90 }, (_, index) =>
    driftRow(`d${index % 7}`, at(index * 8), { path: `p${index % 5}`, outcome: 'audited' }),
  );
  fixture.time = begin + 29.5 * 24 * hour;
  await fixture.record(...rows.filter(({ detectedAt }) => Date.parse(detectedAt) <= fixture.time));
  await fixture.rollups.refresh([{ name: 'agent', devices: 10 }]);
  return rows;
}

/** The stored days, and the quarters that each has. */
async function days() {
  const table = await openTable(fixture.account, 'TwinkeeperRollups');
  const stored = await collect(readQuarters(table, '2000-01-01T00', '2099-12-31T23'));
  const byDay = Map.groupBy(stored, ({ quarter }) => quarter.slice(0, 10));
  return [...byDay].map(([day, quarters]) => [day, quarters.map(({ quarter }) => quarter.slice(11))] as const);
}

/** Stores the counts of each hour of a day: one row and this compliance. */
async function aDay(compliance: readonly object[]): Promise<void> {
  const table = await openTable(fixture.account, 'TwinkeeperRollups');
  for (let index = 0; index < 24; index++) {
    const rowKey = at(index).slice(0, 13);
    const tally = JSON.stringify({ ...noCounts, total: 1 });
    const texts = { ...splitText('tally', tally), ...splitText('compliance', JSON.stringify(compliance)) };
    await table.upsertEntity({ partitionKey: '2026-01-10', rowKey, total: 1, ...texts }, 'Replace');
  }
  fixture.time = begin + 24 * hour;
  await fixture.rollups.refresh([]);
}

describe('the counts of the quarters of a day', () => {
  it('give the same summary as the counts of their hours', async () => {
    await thirtyDays();
    const ranges = [
      [at(0), at(29.5 * 24)],
      [at(5), at(100)],
      [at(24), at(48)],
      [at(23), at(25)],
      [at(6), at(12)],
      [at(7), at(18)],
      [at(12), at(29 * 24 + 11)],
    ] as const;
    const ask = () => Promise.all(ranges.map(([from, to]) => fixture.rollups.summary(from, to, 6)));
    const byDay = await ask();
    expect(await days()).toHaveLength(30);
    const table = await openTable(fixture.account, 'TwinkeeperRollups');
    for (const [day] of await days()) await table.deleteEntity('quarters', String(day));
    expect((await ask()).map(({ countedAt: _, ...rest }) => rest)).toEqual(
      byDay.map(({ countedAt: _, ...rest }) => rest),
    );
  });

  it('are counted again with each hour of the day', async () => {
    await thirtyDays();
    await fixture.record(driftRow('late', at(50)));
    await fixture.rollups.refresh([]);
    const { total, topDevices } = await fixture.rollups.summary(at(48), at(72), 24);
    expect(total).toBe(4);
    expect(topDevices).toContainEqual({ deviceId: 'late', count: 1 });
  });

  it('are stored when the quarter is over, also when its last hours had no rows', async () => {
    await fixture.record(driftRow('a', at(0)));
    await fixture.rollups.refresh([{ name: 'agent', devices: 10 }]);
    expect(await days()).toEqual([]);
    fixture.time = begin + 7 * hour;
    await fixture.rollups.refresh([]);
    expect(await days()).toEqual([['2026-01-10', ['00']]]);
    fixture.time = begin + 13 * hour;
    await fixture.rollups.refresh([]);
    expect((await days())[0]?.[1]).toEqual(['00', '06']);
  });

  it('make the summary of 30 days at most 45 entities, at each hour', async () => {
    await thirtyDays();
    const recorder = await startTableRecorder(fixture.account.connectionString);
    const rollups = createRollups(recorder.endpoints, fixture.now);
    const totals = new Set<number>();
    for (let later = 1; later <= 24; later++) {
      fixture.time = begin + (29.5 * 24 + later) * hour;
      await fixture.rollups.refresh([{ name: 'agent', devices: 10 }]);
      const to = fixture.time + 0.5 * hour;
      const from = new Date(to - 30 * 24 * hour).toISOString();
      const ask = () => rollups.summary(from, new Date(to).toISOString(), 24);
      const { result, requests } = await recorder.during(ask);
      totals.add(result.total);
      expect(requests.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(31 + 2 * 7);
      expect(requests.length).toBeLessThanOrEqual(4);
    }
    await recorder.close();
    // Some of the older rows leave the range.
    expect(Math.max(...totals)).toBe(89);
  });

  it.each([
    ['stored for some hundred policies', 500, 1],
    ['left out where they are larger than an entity', 2500, 0],
  ])('are %s, and the summary is the same', async (_, count, stored) => {
    const compliance = Array.from({ length: count }, () => ({ policy: randomUUID(), devices: 1e6, compliant: 1e5 }));
    await aDay(compliance);
    expect(await days()).toHaveLength(stored);
    const summary = await fixture.rollups.summary(at(0), at(24), 24);
    expect([summary.total, summary.compliance.length]).toEqual([24, count]);
  });
});
