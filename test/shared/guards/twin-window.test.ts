import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fromWindowText,
  type TwinWindow,
  toWindowText,
  twinsIn,
  withinHour,
  withTwins,
} from '../../../shared/guards/twin-window.ts';

const hour = 3_600_000;
const start = Date.UTC(2026, 0, 1);

/** Requests to change twins, oldest first. Each has a time in milliseconds and a number of twins. */
const requests = fc
  .array(fc.record({ after: fc.integer({ min: 0, max: hour / 4 }), count: fc.integer({ min: 1, max: 5 }) }), {
    maxLength: 40,
  })
  .map((steps) => {
    let time = start;
    return steps.map(({ after, count }) => {
      time += after;
      return { time, count };
    });
  });

describe('the twins of the last hour', () => {
  it('never exceed the limit in any sixty minutes', () => {
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 8 }), (wanted, limit) => {
        let window: TwinWindow = new Map();
        const done: { time: number; count: number }[] = [];
        for (const { time, count } of wanted) {
          const now = new Date(time);
          window = withinHour(fromWindowText(toWindowText(window)), now);
          const granted = Math.max(0, Math.min(count, limit - twinsIn(window)));
          window = withTwins(window, granted, now);
          done.push({ time, count: granted });
        }
        for (const { time } of done) {
          const inHour = done.filter((other) => other.time >= time && other.time <= time + hour);
          expect(inHour.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  it('count for an hour, and for at most one minute more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: hour }), fc.integer({ min: 1, max: 1000 }), (offset, count) => {
        const then = start + offset;
        const window = withTwins(new Map(), count, new Date(then));
        expect(twinsIn(withinHour(window, new Date(then + hour)))).toBe(count);
        expect(twinsIn(withinHour(window, new Date(then + hour + 60_000)))).toBe(0);
      }),
    );
  });

  it('count when the clock of another instance is ahead', () => {
    const window = withTwins(new Map(), 3, new Date(start + 5 * 60_000));
    expect(twinsIn(withinHour(window, new Date(start)))).toBe(3);
  });
});
