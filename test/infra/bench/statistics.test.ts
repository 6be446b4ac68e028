import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, percentile, range, slope } from '../../../infra/bench/statistics.ts';

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const some = fc.array(finite, { minLength: 1 });

describe('the median', () => {
  it('is the middle value in any order', () => {
    expect(median([9, 1, 5])).toBe(5);
    // Numbers must be sorted as numbers: sorted as texts, 10 would come before 9.
    expect(median([10, 9, 100])).toBe(10);
  });

  it('is the mean of the two middle values of an even number of values', () => {
    expect(median([4, 1, 2, 100])).toBe(3);
  });

  it('has as many values below it as above', () => {
    fc.assert(
      fc.property(some, (values) => {
        const middle = median(values);
        const below = values.filter((value) => value < middle).length;
        const above = values.filter((value) => value > middle).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });

  it('does not change the values', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('needs at least one value', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('the range', () => {
  it('contains every value, and its ends are values', () => {
    fc.assert(
      fc.property(some, (values) => {
        const { min, max } = range(values);
        expect(values).toContain(min);
        expect(values).toContain(max);
        for (const value of values) expect(min <= value && value <= max).toBe(true);
      }),
    );
  });

  it('needs at least one value', () => {
    expect(() => range([])).toThrow(RangeError);
  });
});

describe('the slope', () => {
  it('is the slope of the line for points on a line', () => {
    const coefficient = fc.integer({ min: -1000, max: 1000 });
    const positions = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(coefficient, coefficient, positions, (rise, offset, xs) => {
        expect(slope(xs.map((x) => ({ x, y: rise * x + offset })))).toBeCloseTo(rise, 6);
      }),
    );
  });

  it('ignores deviations that cancel out', () => {
    expect(slope([1, -1, -1, 1].map((deviation, x) => ({ x, y: 2 * x + deviation })))).toBeCloseTo(2);
  });

  it.each([
    [[]],
    [[{ x: 1, y: 1 }]],
    [
      [
        { x: 1, y: 1 },
        { x: 1, y: 2 },
      ],
    ],
  ])('cannot be computed for %j', (points) => {
    expect(() => slope(points)).toThrow(/two different x/);
  });
});

describe('a percentile', () => {
  it('is the smallest value that is at least as large as the share of values', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(percentile(values, 0.99)).toBe(198);
    expect(percentile(values, 0.5)).toBe(100);
    expect(percentile(values, 1)).toBe(200);
  });

  it('is the value itself for one value', () => {
    expect(percentile([7], 0.99)).toBe(7);
  });

  it('needs at least one value', () => {
    expect(() => percentile([], 0.99)).toThrow(RangeError);
  });
});
