import { describe, expect, it } from 'vitest';
import { startTableRecorder } from '../../../infra/bench/table-recorder.ts';
import { createRollups, type DriftRow } from '../../../shared/drift/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
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

const days = async () =>
  (await fixture.entities('TwinkeeperRollups')).filter(({ partitionKey }) => partitionKey === 'days');

describe('the counts of whole days', () => {
  it('give the same summary as the counts of their hours', async () => {
    await thirtyDays();
    const ranges = [
      [at(0), at(29.5 * 24)],
      [at(5), at(100)],
      [at(24), at(48)],
      [at(23), at(25)],
    ] as const;
    const ask = () => Promise.all(ranges.map(([from, to]) => fixture.rollups.summary(from, to, 6)));
    const byDay = await ask();
    expect(await days()).toHaveLength(29);
    const table = await openTable(fixture.account, 'TwinkeeperRollups');
    for (const { rowKey } of await days()) await table.deleteEntity('days', String(rowKey));
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

  it('are stored when the day is over, also when its last hours had no rows', async () => {
    await fixture.record(driftRow('a', at(0)));
    await fixture.rollups.refresh([{ name: 'agent', devices: 10 }]);
    expect(await days()).toEqual([]);
    fixture.time = begin + 25 * hour;
    await fixture.rollups.refresh([]);
    expect((await days()).map(({ rowKey }) => rowKey)).toEqual(['2026-01-10']);
  });

  it('make the summary of a month one entity for each day, and one for each hour of the last day', async () => {
    await thirtyDays();
    const recorder = await startTableRecorder(fixture.account.connectionString);
    const rollups = createRollups(recorder.endpoints, fixture.now);
    const { result, requests } = await recorder.during(() => rollups.summary(at(0), at(29.5 * 24), 24));
    await recorder.close();
    expect(result.total).toBe(89);
    expect(requests.reduce((sum, { rows }) => sum + rows, 0)).toBeLessThanOrEqual(29 + 13);
    expect(requests.length).toBeLessThanOrEqual(2);
  });
});
