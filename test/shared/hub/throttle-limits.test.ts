import { describe, expect, it } from 'vitest';
import { createBudget } from '../../../shared/hub/budget.ts';
import { hubTiers, operationClasses, throttleLimits } from '../../../shared/hub/index.ts';
import { VirtualClock } from './virtual-clock.ts';

const perMinute = (limit: number) => Math.round(limit * 60);

describe("a hub's documented throttles", () => {
  it.each([
    ['F1', 1, { identity: 100, bulk: 100, twinRead: 6000, twinUpdate: 3000, query: 20, configuration: 20 }],
    ['B1', 1, { identity: 100, bulk: 100, twinRead: 6000, twinUpdate: 3000, query: 20, configuration: 20 }],
    ['S1', 3, { identity: 300, bulk: 300, twinRead: 6000, twinUpdate: 3000, query: 60, configuration: 60 }],
    ['S2', 1, { identity: 100, bulk: 100, twinRead: 6000, twinUpdate: 3000, query: 20, configuration: 20 }],
    ['B2', 20, { identity: 2000, bulk: 2000, twinRead: 12_000, twinUpdate: 6000, query: 400, configuration: 400 }],
    ['S3', 2, { identity: 10_000, bulk: 10_000, twinRead: 60_000, twinUpdate: 30_000, query: 2000, configuration: 40 }],
  ] as const)('of %s with %i units are known', (tier, units, expected) => {
    const limits = throttleLimits(tier, units);
    expect(Object.fromEntries(operationClasses.map((name) => [name, perMinute(limits[name])]))).toEqual(expected);
  });

  it.each(hubTiers)('never shrink with more units (%s)', (tier) => {
    for (let units = 1; units < 50; units++) {
      const [fewer, more] = [throttleLimits(tier, units), throttleLimits(tier, units + 1)];
      for (const name of operationClasses) expect(more[name]).toBeGreaterThanOrEqual(fewer[name]);
    }
  });
});

describe('a budget', () => {
  const budgetOf = (options: Parameters<typeof createBudget>[0]) =>
    createBudget(options, new VirtualClock(), () => 0.5);

  it('is half of what one S1 unit allows, unless something else is said', () => {
    expect(budgetOf({}).twinRead.perSecond).toBe(50);
    expect(budgetOf({}).query.perSecond).toBeCloseTo(10 / 60);
    expect(budgetOf({ tier: 'S3', units: 2, share: 0.1 }).twinRead.perSecond).toBe(100);
  });

  it.each([
    [{ tier: 'S4' as 'S3' }, 'S4'],
    [{ units: 0 }, '0'],
    [{ units: Number.NaN }, 'NaN'],
    [{ units: Number.POSITIVE_INFINITY }, 'Infinity'],
    [{ share: 0 }, '0'],
    [{ share: 1.5 }, '1.5'],
    [{ share: Number.NaN }, 'NaN'],
  ])('cannot be made of %j', (options, shown) => {
    expect(() => budgetOf(options)).toThrow(RangeError);
    expect(() => budgetOf(options)).toThrow(shown);
  });
});
