import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNcrontab, longestGap } from '../../functions/ncrontab.ts';

describe('the longest time between two runs of a schedule', () => {
  it.each([
    ['0 */15 * * * *', 15],
    ['15 */5 * * * *', 5],
    ['* * * * * *', 1],
    ['*/5 * * * *', 5],
    ['0 0 3 * * *', 1440],
    ['0 0 2,14 * * *', 720],
    ['0 30 8-17/3 * * MON-FRI', (15 + 48) * 60],
    ['0 0 0 * * SUN', 7 * 1440],
    ['0 10/20 * * * *', 20],
    ['0 50-10 * * * *', 20],
    ['0 0 0 1 1 *', 62 * 1440],
    ['0 0 0 1 JUN *', 62 * 1440],
  ])('%s is %d minutes', (schedule, minutes) => {
    expect(longestGap(schedule)).toBe(minutes);
  });

  it('is what another library finds', () => {
    const field = (least: number, most: number) =>
      fc.oneof(
        fc.constant('*'),
        fc.integer({ min: least, max: most }).map(String),
        fc.integer({ min: 1, max: Math.min(most, 20) }).map((step) => `*/${step}`),
        fc
          .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
          .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
        fc
          .uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 4 })
          .map((list) => list.join()),
      );
    fc.assert(
      fc.property(field(0, 59), field(0, 23), field(0, 6), (minute, hour, weekday) => {
        const schedule = `0 ${minute} ${hour} * * ${weekday}`;
        expect(isNcrontab(schedule)).toBe(true);
        const start = new Date('2023-12-31T23:59:59Z');
        const end = Date.UTC(2024, 0, 15);
        const runs: number[] = [];
        const cron = new Cron(schedule, { timezone: 'UTC' });
        for (let next = cron.nextRun(start); next !== null && next.getTime() < end; next = cron.nextRun(next)) {
          runs.push(next.getTime() / 60_000);
          if (runs.length > 500) return;
        }
        const gaps = runs.slice(1).map((run, index) => run - (runs[index] as number));
        // Within two weeks each of these schedules has shown its longest gap.
        expect(longestGap(schedule)).toBe(Math.max(...gaps));
      }),
      { numRuns: 12 },
    );
  });
});
