import { describe, expect, it } from 'vitest';
import { createBudget } from '../../../shared/hub/budget.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('a budget', () => {
  const budgetOf = (options: Parameters<typeof createBudget>[0]) =>
    createBudget(options, new VirtualClock(), () => 0.5);

  it('is half of the throttles of one S1 unit by default', () => {
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
    [{ messageShare: 0 }, '0'],
  ])('cannot have the options %j', (options, shown) => {
    expect(() => budgetOf(options)).toThrow(RangeError);
    expect(() => budgetOf(options)).toThrow(shown);
  });
});
