import { describe, expect, it } from 'vitest';
import { AdaptiveRate } from '../../../shared/hub/adaptive-rate.ts';
import { fc } from '../../support/arbitraries.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
/** The configured rate of the tests: one call a second, in calls per millisecond. */
const configured = 1 / second;

describe('an adaptive rate', () => {
  it('starts at the configured rate, and a refusal halves it', () => {
    const rate = new AdaptiveRate(configured);
    expect(rate.at(hour)).toBe(configured);
    rate.refuse(hour, hour);
    expect(rate.at(hour)).toBe(configured / 2);
  });

  it('grows back to nearly the refused rate within a few calls, and fully much later', () => {
    const rate = new AdaptiveRate(configured);
    rate.refuse(0, 0);
    expect(rate.at(4 * second) / configured).toBeCloseTo(0.85, 1);
    expect(rate.at(2 * minute)).toBeLessThan(configured);
    expect(rate.at(10 * minute)).toBe(configured);
  });

  it('does not grow while no calls are sent', () => {
    const rate = new AdaptiveRate(configured);
    rate.refuse(0, minute);
    rate.postpone(2 * minute);
    expect(rate.at(2 * minute)).toBe(configured / 2);
    expect(rate.at(3 * minute)).toBeGreaterThan(configured / 2);
  });

  it('is halved again by each refusal, down to one call a minute', () => {
    const rate = new AdaptiveRate(configured);
    for (let round = 0; round < 20; round++) {
      const before = rate.at(round);
      rate.refuse(round, round);
      expect(rate.at(round)).toBe(Math.max(before / 2, 1 / minute));
    }
    expect(rate.at(20)).toBeCloseTo(1 / minute);
  });

  it('needs several calls to grow, even from the minimum', () => {
    const rate = new AdaptiveRate(configured);
    for (let round = 0; round < 20; round++) rate.refuse(0, 0);
    expect(rate.at(5 * minute)).toBeLessThan(1.2 / minute);
  });

  it('stays at the configured rate when that is below one call a minute', () => {
    const rate = new AdaptiveRate(0.5 / minute);
    rate.refuse(0, 0);
    expect(rate.at(0)).toBe(0.5 / minute);
  });

  it('stays within its bounds, falls only by refusals, and recovers within an hour', () => {
    const refusals = fc.array(fc.tuple(fc.nat(10 * minute), fc.nat(5 * minute)), { maxLength: 30 });
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 5, noNaN: true }), refusals, (perMillisecond, history) => {
        const rate = new AdaptiveRate(perMillisecond);
        let now = 0;
        for (const [after, pause] of history) {
          now += after;
          rate.refuse(now, now + pause);
          now += pause;
          const later = [0, 1, second, minute, hour].map((step) => rate.at(now + step));
          expect(later).toEqual(later.toSorted((a, b) => a - b));
          expect(later[0]).toBeGreaterThanOrEqual(Math.min(perMillisecond, 1 / minute));
        }
        expect(rate.at(now + hour)).toBe(perMillisecond);
      }),
    );
  });
});
