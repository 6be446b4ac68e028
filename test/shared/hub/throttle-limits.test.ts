import { describe, expect, it } from 'vitest';
import { hubTiers, operationClasses, throttleLimits } from '../../../shared/hub/index.ts';

const perMinute = (limit: number) => Math.round(limit * 60);

describe('the throttles of a hub', () => {
  it.each([
    ['F1', 1, { identity: 100, bulk: 100, twinRead: 6000, twinUpdate: 3000, query: 20, configuration: 20 }],
    ['GEN2', 1, { identity: 100, bulk: 100, twinRead: 6000, twinUpdate: 3000, query: 20, configuration: 20 }],
    ['S1', 3, { identity: 300, bulk: 300, twinRead: 6000, twinUpdate: 3000, query: 60, configuration: 60 }],
    ['S2', 1, { identity: 100, bulk: 100, twinRead: 6000, twinUpdate: 3000, query: 20, configuration: 20 }],
    ['S2', 20, { identity: 2000, bulk: 2000, twinRead: 12_000, twinUpdate: 6000, query: 400, configuration: 400 }],
    ['S3', 2, { identity: 10_000, bulk: 10_000, twinRead: 60_000, twinUpdate: 30_000, query: 2000, configuration: 40 }],
  ] as const)('of tier %s with %i units are as documented', (tier, units, expected) => {
    const limits = throttleLimits(tier, units);
    expect(Object.fromEntries(operationClasses.map((name) => [name, perMinute(limits[name])]))).toEqual(expected);
  });

  it.each(hubTiers)('do not decrease with more units (%s)', (tier) => {
    for (let units = 1; units < 50; units++) {
      const [fewer, more] = [throttleLimits(tier, units), throttleLimits(tier, units + 1)];
      for (const name of operationClasses) expect(more[name]).toBeGreaterThanOrEqual(fewer[name]);
    }
  });
});
