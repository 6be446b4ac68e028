import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addCounts, HourCounter, largestOf, percentileOf, timeSlot } from '../../../shared/drift/hour-counts.ts';
import { driftRow } from '../../support/drift-rows.ts';

const at = '2026-01-01T00:00:00.000Z';
const anyRow = fc
  .record({
    deviceId: fc.constantFrom('a', 'b', '__proto__', '7'),
    policy: fc.constantFrom('one', 'two'),
    path: fc.constantFrom('x', 'y.z', '', 'constructor'),
    kind: fc.constantFrom('wrongValue' as const, 'custom' as const),
    outcome: fc.constantFrom('enforced' as const, 'created' as const, 'failed' as const),
    took: fc.integer({ min: -5, max: 100_000_000 }),
  })
  .map(({ deviceId, took, ...more }) =>
    driftRow(deviceId, at, { ...more, outcomeAt: new Date(Date.parse(at) + took).toISOString() }),
  );
const countOf = (rows: readonly ReturnType<typeof driftRow>[]) => {
  const counter = new HourCounter();
  for (const row of rows) counter.add(row);
  return counter.counts();
};

describe('tallies', () => {
  it('of parts come to what the whole comes to, kept as JSON in between', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyRow, { maxLength: 20 }), { maxLength: 5 }), (parts) => {
        const kept = parts.map((rows) => JSON.parse(JSON.stringify(countOf(rows))));
        expect(addCounts(kept)).toEqual(countOf(parts.flat()));
      }),
    );
  });

  it('keep the hundred devices that depart most', () => {
    const rows = Array.from({ length: 150 }, (_, index) =>
      Array.from({ length: index < 100 ? 2 : 1 }, () => driftRow(`d${index}`, at)),
    );
    const { devices, total } = countOf(rows.flat());
    expect(total).toBe(250);
    expect(Object.keys(devices)).toHaveLength(100);
    expect(Object.values(devices).every((count) => count === 2)).toBe(true);
  });

  it('name the largest first, and equal ones by name', () => {
    expect(largestOf({ b: 2, c: 3, a: 2, d: 1 }, 3)).toEqual([
      ['c', 3],
      ['a', 2],
      ['b', 2],
    ]);
  });
});

describe('the time below which a share of all times is', () => {
  it('is right within an eighth', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1e9 }), { minLength: 1 }),
        fc.constantFrom(0.5, 0.99),
        (took, share) => {
          const slots: Record<string, number> = {};
          for (const time of took) slots[timeSlot(time)] = (slots[timeSlot(time)] ?? 0) + 1;
          const exact = took.toSorted((a, b) => a - b)[Math.ceil(share * took.length) - 1] ?? 0;
          const told = percentileOf(slots, share) ?? 0;
          expect(Math.abs(told - exact)).toBeLessThanOrEqual(Math.max(1, exact / 8));
        },
      ),
    );
  });

  it('is not told where nothing was mended', () => {
    expect(percentileOf({}, 0.5)).toBeUndefined();
    expect(countOf([driftRow('a', at, { outcome: 'audited' })]).times).toEqual({});
  });

  it('counts from the change where an event told of it, and from its detection where none did', () => {
    const outcomeAt = '2026-01-01T00:00:10.000Z';
    const told = countOf([driftRow('a', at, { outcomeAt, operationTimestamp: '2026-01-01T00:00:09.900Z' })]);
    expect(told.times).toEqual({ [timeSlot(100)]: 1 });
    expect(countOf([driftRow('a', at, { outcomeAt })]).times).toEqual({ [timeSlot(10_000)]: 1 });
  });
});
