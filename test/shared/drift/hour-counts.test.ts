import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountSum, HourCounter, largestOf, percentileOf, timeSlot } from '../../../shared/drift/hour-counts.ts';
import { driftRow } from '../../support/drift-rows.ts';

const at = '2026-01-01T00:00:00.000Z';
const anyRow = fc
  .record({
    deviceId: fc.constantFrom('a', 'b', '__proto__', '7'),
    policy: fc.constantFrom('one', 'two'),
    path: fc.constantFrom('x', 'y.z', '', 'constructor'),
    kind: fc.constantFrom('wrongValue' as const, 'custom' as const),
    outcome: fc.constantFrom('enforced' as const, 'created' as const, 'failed' as const),
    repairTime: fc.integer({ min: -5, max: 100_000_000 }),
  })
  .map(({ deviceId, repairTime, ...more }) =>
    driftRow(deviceId, at, { ...more, outcomeAt: new Date(Date.parse(at) + repairTime).toISOString() }),
  );
const countOf = (rows: readonly ReturnType<typeof driftRow>[]) => {
  const counter = new HourCounter();
  for (const row of rows) counter.add(row);
  return counter.counts();
};

describe('hour counts', () => {
  it('add up to the counts of all rows, after a round trip through JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyRow, { maxLength: 20 }), { maxLength: 5 }), (hours) => {
        const stored = hours.map((rows) => JSON.parse(JSON.stringify(countOf(rows))));
        const sum = new CountSum();
        for (const hour of stored) sum.add(hour);
        expect(sum.counts()).toEqual(countOf(hours.flat()));
      }),
    );
  });

  it('keep the hundred devices with most rows', () => {
    const rows = Array.from({ length: 150 }, (_, index) =>
      Array.from({ length: index < 100 ? 2 : 1 }, () => driftRow(`d${index}`, at)),
    );
    const { devices, total } = countOf(rows.flat());
    expect(total).toBe(250);
    expect(Object.keys(devices)).toHaveLength(100);
    expect(Object.values(devices).every((count) => count === 2)).toBe(true);
  });

  it('sort by count, and then by name', () => {
    expect(largestOf({ b: 2, c: 3, a: 2, d: 1 }, 3)).toEqual([
      ['c', 3],
      ['a', 2],
      ['b', 2],
    ]);
  });
});

describe('a percentile of times', () => {
  it('is accurate to an eighth', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1e9 }), { minLength: 1 }),
        fc.constantFrom(0.5, 0.99),
        (times, share) => {
          const slots: Record<string, number> = {};
          for (const time of times) slots[timeSlot(time)] = (slots[timeSlot(time)] ?? 0) + 1;
          const exact = times.toSorted((a, b) => a - b)[Math.ceil(share * times.length) - 1] ?? 0;
          const percentile = percentileOf(slots, share) ?? 0;
          expect(Math.abs(percentile - exact)).toBeLessThanOrEqual(Math.max(1, exact / 8));
        },
      ),
    );
  });

  it('is undefined when nothing was repaired', () => {
    expect(percentileOf({}, 0.5)).toBeUndefined();
    expect(countOf([driftRow('a', at, { outcome: 'audited' })]).times).toEqual({});
    const superseded = countOf([driftRow('a', at, { outcome: 'superseded' })]);
    expect(superseded).toMatchObject({ total: 1, byOutcome: { superseded: 1 }, times: {} });
  });

  it('counts from the operation of the event, or else from the detection', () => {
    const outcomeAt = '2026-01-01T00:00:10.000Z';
    const fromEvent = countOf([driftRow('a', at, { outcomeAt, operationTimestamp: '2026-01-01T00:00:09.900Z' })]);
    expect(fromEvent.times).toEqual({ [timeSlot(100)]: 1 });
    expect(countOf([driftRow('a', at, { outcomeAt })]).times).toEqual({ [timeSlot(10_000)]: 1 });
  });
});
