/** Tests of the numbers of a report. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { complianceSpans, type HourCompliance } from '../../../../infra/cli/report/compliance-spans.ts';
import { DepartureTally } from '../../../../infra/cli/report/departure-tally.ts';
import { isEventful } from '../../../../infra/cli/report/is-eventful.ts';
import { driftRow } from '../../../support/drift-rows.ts';

const hourAt = (at: string, compliant: number, more: Partial<HourCompliance> = {}): HourCompliance => ({
  at: `${at}:00:00Z`,
  policy: 'agent',
  devices: 10,
  compliant,
  ...more,
});

describe('the compliance of a report', () => {
  it('has a span for each hour of a short range, and counts no hour that was not counted', () => {
    const spans = complianceSpans([hourAt('2026-11-22T05', 9), hourAt('2026-11-22T07', 10)], {
      from: '2026-11-22T05:30:00.000Z',
      to: '2026-11-22T08:00:00.000Z',
    });
    expect(spans).toEqual([
      { from: '2026-11-22T05:00:00.000Z', hours: 1, counted: 1, share: { mean: 0.9, min: 0.9 }, devices: 10 },
      { from: '2026-11-22T06:00:00.000Z', hours: 1, counted: 0 },
      { from: '2026-11-22T07:00:00.000Z', hours: 1, counted: 1, share: { mean: 1, min: 1 }, devices: 10 },
    ]);
  });

  it('has a span for each day of a long range, with the mean and the lowest of its hours', () => {
    const hours = [
      hourAt('2026-11-21T23', 0),
      hourAt('2026-11-22T12', 10),
      hourAt('2026-11-22T14', 6),
      hourAt('2026-11-22T13', 8, { mean: 0.9, min: 0.1 }),
      hourAt('2026-11-24T05', 5, { devices: 0 }),
      hourAt('2026-11-25T00', 0),
    ];
    const range = { from: '2026-11-22T12:00:00.000Z', to: '2026-11-24T18:30:00.000Z' };
    const [first, ...rest] = complianceSpans(hours, range);
    expect(first).toMatchObject({ from: '2026-11-22T00:00:00.000Z', hours: 12, counted: 3, devices: 10 });
    expect(first?.share?.mean).toBeCloseTo((1 + 0.6 + 0.9) / 3);
    expect(first?.share?.min).toBe(0.1);
    expect(rest).toEqual([
      { from: '2026-11-23T00:00:00.000Z', hours: 24, counted: 0 },
      { from: '2026-11-24T00:00:00.000Z', hours: 19, counted: 0 },
    ]);
  });
});

describe('an eventful departure', () => {
  it('was held back, put off, given up or only recorded at any time, or is open', () => {
    const at = '2026-11-22T05:00:00.000Z';
    const heldBack = driftRow('d', at, {
      transitions: [
        { at, outcome: 'heldBack', reason: 'blastRadius: much', by: 'event' },
        { at, outcome: 'enforced', by: 'sweep' },
      ],
    });
    expect(isEventful(heldBack)).toBe(true);
    expect(isEventful(driftRow('d', at, { outcome: 'deferred' }))).toBe(true);
    expect(isEventful(driftRow('d', at, { outcome: 'pending' }))).toBe(true);
    expect(isEventful(driftRow('d', at, { outcome: 'enforced' }))).toBe(false);
  });
});

describe('the tally of departures', () => {
  const time = (index: number) => new Date(Date.UTC(2026, 10, 22) - index * 1000).toISOString();

  it('counts all, and lists eventful ones first, then the newest', () => {
    const tally = new DepartureTally(4);
    for (let index = 0; index < 100; index++) {
      const outcome = index % 40 === 39 ? 'failed' : 'enforced';
      tally.add(driftRow(`d${index % 7}`, time(index), { path: `p${index % 3}`, outcome }));
    }
    const { listed, groups, ...counts } = tally.tally();
    expect(counts).toMatchObject({
      total: 100,
      devices: 7,
      eventful: 2,
      ungrouped: 0,
      byOutcome: { enforced: 98, failed: 2 },
    });
    expect(listed.map(({ detectedAt }) => detectedAt)).toEqual([time(79), time(39), time(1), time(0)]);
    expect(groups.map(({ path, total, first, last }) => [path, total, first, last])).toEqual([
      ['p0', 34, time(99), time(0)],
      ['p1', 33, time(97), time(1)],
      ['p2', 33, time(98), time(2)],
    ]);
    expect(tally.hubs).toEqual(['hub']);
  });

  it('loses no departure, whatever their names are', () => {
    const name = fc.constantFrom('__proto__', 'constructor', 'a', 'b', '');
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name), { maxLength: 40 }), fc.integer({ min: 1, max: 10 }), (names, most) => {
        const tally = new DepartureTally(most);
        for (const [index, [policy, path]] of names.entries()) tally.add(driftRow('d', time(index), { policy, path }));
        const { total, groups, ungrouped, byPolicy, listed } = tally.tally();
        expect(total).toBe(names.length);
        expect(groups.reduce((sum, group) => sum + group.total, ungrouped)).toBe(total);
        expect(Object.values(byPolicy).reduce((sum, count) => sum + count, 0)).toBe(total);
        expect(listed).toHaveLength(Math.min(most, total));
      }),
    );
  });
});
