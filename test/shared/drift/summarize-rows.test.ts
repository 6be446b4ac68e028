/** Tests the counts of the rows that match filters. */
import { describe, expect, it } from 'vitest';
import { createHistory, summarizeRows } from '../../../shared/drift/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { at, begin, hour, useRollups } from './rollups-fixture.ts';

const fixture = useRollups();
const now = () => new Date(fixture.time);
const range = { from: at(0), to: at(24) };

describe('the summary of filtered rows', () => {
  it('counts what the roll-ups count, when the filters match every row', async () => {
    fixture.time = begin + 30 * hour;
    await fixture.record(
      driftRow('a', at(1), { path: 'one' }),
      driftRow('a', at(5.5), { path: 'two', outcome: 'audited' }),
      driftRow('b', at(20), { kind: 'custom' }),
      driftRow('b', at(25)),
    );
    await fixture.rollups.refresh([]);
    const {
      compliance: _,
      fleet: __,
      countedAt: ___,
      ...whole
    } = await fixture.rollups.summary(range.from, range.to, 6);
    const history = createHistory(fixture.account, now);
    expect(whole.total).toBe(3);
    expect(await summarizeRows(history, { ...range, policy: 'agent' }, { bucketHours: 6, now })).toEqual(whole);
  });

  it.each([
    [{ deviceId: 'a' }, 2],
    [{ kind: 'custom' }, 1],
    [{ outcome: 'audited' }, 1],
    [{ path: 'one', policy: 'agent' }, 1],
    [{ policy: 'other' }, 0],
  ] as const)('counts only the rows that match %o', async (filters, total) => {
    fixture.time = begin + 30 * hour;
    await fixture.record(
      driftRow('a', at(1), { path: 'one' }),
      driftRow('a', at(5.5), { path: 'two', outcome: 'audited' }),
      driftRow('b', at(20), { kind: 'custom' }),
    );
    const history = createHistory(fixture.account, now);
    const counts = await summarizeRows(history, { ...range, ...filters }, { bucketHours: 1, now });
    expect([counts.total, counts.buckets.length, counts.incompleteBefore]).toEqual([total, total, undefined]);
  });

  it('counts the newest rows and says from when, when there are too many', async () => {
    fixture.time = begin + 30 * hour;
    await fixture.record(...[1, 2, 3, 4].map((number) => driftRow(`d${number}`, at(number))));
    const history = createHistory(fixture.account, now);
    const ask = (mostRows: number) =>
      summarizeRows(history, { ...range, policy: 'agent' }, { bucketHours: 1, now, mostRows });
    const { total, buckets, incompleteBefore } = await ask(2);
    expect([total, buckets.map(({ from }) => from), incompleteBefore]).toEqual([2, [at(3), at(4)], at(3)]);
    expect(await ask(5)).not.toHaveProperty('incompleteBefore');
  });
});
