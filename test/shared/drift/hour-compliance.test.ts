import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heldUntil, joinSpans, type RunningCompliance, withSample } from '../../../shared/drift/hour-compliance.ts';
import { openTable, splitText } from '../../../shared/storage/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { at, begin, hour, useRollups } from './rollups-fixture.ts';

const minute = 60_000;
const minutes = (count: number) => new Date(begin + count * minute).toISOString();
const end = begin + hour;

/** The compliance of the first hour after counts of `compliant` devices of ten, by minute. */
function hourOf(counts: readonly (readonly [minute: number, compliant: number])[]) {
  const running = counts.reduce<RunningCompliance | undefined>(
    (before, [time, compliant]) => withSample(before, { devices: 10, compliant }, minutes(time)),
    undefined,
  );
  return running === undefined ? undefined : heldUntil(running, end);
}

describe('the compliance of an hour', () => {
  it('is the mean weighted by time, with the minimum, so that a dip of six minutes shows', () => {
    const counts = Array.from({ length: 12 }, (_, index) => [index * 5, index === 4 ? 4 : 10] as const);
    expect(hourOf(counts)).toEqual({ devices: 10, compliant: 10, mean: 0.95, min: 0.4, covered: hour });
  });

  it('is that of all counts, at any times, and never larger than the largest', () => {
    const anyCounts = fc.array(fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 0, max: 10 })), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(anyCounts, (steps) => {
        const counts = steps
          .map(([, compliant], index) => {
            const time = steps.slice(0, index + 1).reduce((sum, [step]) => sum + step, 0);
            return [time, compliant] as const;
          })
          .filter(([time]) => time < 60);
        fc.pre(counts.length > 0);
        const ends = counts.map((_, index) => Math.min(counts[index + 1]?.[0] ?? 60, (counts[index]?.[0] ?? 0) + 15));
        const held = counts.map(([start, compliant], index) => [(ends[index] ?? 0) - start, compliant / 10] as const);
        const covered = held.reduce((sum, [length]) => sum + length, 0);
        const mean = held.reduce((sum, [length, share]) => sum + length * share, 0) / covered;
        const result = hourOf(counts);
        expect(result?.covered).toBe(covered * minute);
        expect(Math.abs((result?.mean ?? -1) - mean)).toBeLessThan(1e-6);
        expect(result?.min).toBe(Math.min(...held.map(([, share]) => share)));
        expect(result?.mean).toBeLessThanOrEqual(Math.max(...held.map(([, share]) => share)));
      }),
    );
  });

  it('covers no time in which nothing was counted, and is not counted without devices', () => {
    expect(hourOf([[10, 8]])).toMatchObject({ mean: 0.8, covered: 15 * minute });
    const none = withSample(undefined, { devices: 0, compliant: 0 }, minutes(0));
    expect(heldUntil(none, end)).toEqual({ devices: 0, compliant: 0 });
    const some = withSample(none, { devices: 10, compliant: 5 }, minutes(5));
    expect(heldUntil(some, begin + 10 * minute)).toMatchObject({ mean: 0.5, min: 0.5, covered: 5 * minute });
  });

  it('does not change when the same count is added again', () => {
    const once = [0, 5, 10].reduce<RunningCompliance | undefined>(
      (before, time) => withSample(before, { devices: 3, compliant: 2 }, minutes(time)),
      undefined,
    );
    expect(withSample(once, { devices: 3, compliant: 2 }, minutes(10))).toEqual(once);
  });

  it('is joined by the time that each hour covers, and hours of an earlier version of the app do not count', () => {
    const old = { devices: 10, compliant: 10 };
    const short = { devices: 10, compliant: 5, mean: 0.5, min: 0.2, covered: 15 * minute };
    const long = { devices: 10, compliant: 9, mean: 0.9, min: 0.8, covered: 45 * minute };
    expect(joinSpans([old, short, long])).toEqual({ devices: 10, compliant: 9, mean: 0.8, min: 0.2, covered: hour });
    expect(joinSpans([old, old])).toEqual(old);
  });
});

const fixture = useRollups();

describe('the compliance of the fleet in a summary', () => {
  it('counts a device once that breaks several policies, and shows a dip in the hour and in the whole day', async () => {
    const policies = [
      { name: 'agent', devices: 10 },
      { name: 'other', devices: 10 },
    ];
    const dip = ['a', 'b'].flatMap((id) => [
      driftRow(id, at(0), { outcome: 'heldBack' }),
      driftRow(id, at(0), { outcome: 'heldBack', policy: 'other' }),
    ]);
    for (let time = 0; time < 60; time += 5) {
      fixture.time = begin + time * minute;
      if (time === 20) await fixture.record(...dip);
      if (time === 25) await fixture.record(...dip.map((row) => ({ ...row, outcome: 'enforced' as const })));
      await fixture.rollups.refresh(policies, { fleet: 10 });
    }
    for (const hours of [1, 8, 25]) {
      fixture.time = begin + hours * hour;
      await fixture.rollups.refresh(policies, { fleet: 10 });
    }
    const byHour = await fixture.rollups.summary(at(0), at(1), 1);
    const dipped = { devices: 10, compliant: 10, mean: 0.983333333, min: 0.8, covered: hour };
    expect(byHour.fleet).toEqual([{ at: at(0), ...dipped }]);
    expect(byHour.compliance).toEqual(policies.map(({ name }) => ({ at: at(0), policy: name, ...dipped })));
    const [byDay] = (await fixture.rollups.summary(at(0), at(24), 24)).fleet;
    // Of the other hours, fifteen minutes each are counted.
    expect(byDay).toMatchObject({ at: at(0), compliant: 10, min: 0.8, covered: 1.5 * hour });
  });

  it('keeps the counts of a turn that ended before its hour was counted', async () => {
    await fixture.record(
      ...Array.from({ length: 30 }, (_, index) => driftRow(`d${index}`, at(0), { outcome: 'audited' })),
    );
    const { createRollups } = await import('../../../shared/drift/index.ts');
    const slow = createRollups(fixture.account, fixture.now, { rowsPerTurn: 10 });
    const options = { fleet: 100, mayContinue: () => false };
    await slow.refresh([], options);
    fixture.time += 5 * minute;
    await slow.refresh([], { fleet: 100 });
    const [counted] = (await fixture.rollups.summary(at(0), at(1), 1)).fleet;
    expect(counted).toMatchObject({ mean: 0.7, covered: 5 * minute });
  });

  it('is not counted without the number of devices, and has no mean in hours of an earlier version of the app', async () => {
    await fixture.rollups.refresh([{ name: 'agent', devices: 10 }]);
    const table = await openTable(fixture.account, 'TwinkeeperRollups');
    const compliance = JSON.stringify([{ policy: 'agent', devices: 10, compliant: 9 }]);
    const rowKey = at(-1).slice(0, 13);
    const tally = JSON.stringify({
      total: 1,
      byPolicy: { agent: 1 },
      byKind: {},
      byOutcome: {},
      devices: {},
      properties: {},
      times: {},
    });
    await table.upsertEntity(
      {
        partitionKey: rowKey.slice(0, 10),
        rowKey,
        v: 1,
        total: 1,
        ...splitText('tally', tally),
        ...splitText('compliance', compliance),
      },
      'Replace',
    );
    const summary = await fixture.rollups.summary(at(-1), at(1), 1);
    expect(summary.fleet).toEqual([]);
    expect(summary.compliance[0]).toEqual({ at: at(-1), policy: 'agent', devices: 10, compliant: 9 });
    // What was counted before cannot be told apart, so it is not 0.
    expect([summary.onboarding, summary.buckets[0]?.onboarding]).toEqual([null, null]);
  });
});
