import { describe, expect, it } from 'vitest';
import { describeReading, isEnough, nextReading, type Reading } from '../../../shared/sweep/reading.ts';
import { fc } from '../../support/arbitraries.ts';

const hour = 3600_000;
const start = Date.parse('2026-03-01T00:00:00Z');
const at = (time: number) => new Date(start + time);
const begun = { of: 'h', startedAt: at(0).toISOString(), read: 0 } satisfies Reading;

describe('a reading of all twins', () => {
  const plan = { of: 'h', every: 24 * hour, isAll: false };

  it('starts where nothing was read before', () => {
    expect(nextReading(undefined, { ...plan, now: at(0) })).toEqual(begun);
  });

  it('continues while it is unfinished, however old it is', () => {
    const part = { ...begun, read: 5, continuation: 'token' };
    expect(nextReading(part, { ...plan, now: at(100 * hour) })).toBe(part);
  });

  it('starts again when its time has passed, and not before', () => {
    const ended = { ...begun, read: 5, endedAt: at(18 * hour).toISOString() };
    expect(nextReading(ended, { ...plan, now: at(24 * hour - 1) })).toBeUndefined();
    expect(nextReading(ended, { ...plan, now: at(24 * hour) })).toEqual({
      of: 'h',
      startedAt: at(24 * hour).toISOString(),
      read: 0,
      lastEndedAt: ended.endedAt,
      lastStartedAt: ended.startedAt,
    });
  });

  it('remembers that the last complete reading found devices that queries had missed, until the next one is complete', () => {
    const missed = { ...begun, read: 5, endedAt: at(1).toISOString(), missed: ['d'] };
    const next = nextReading(missed, { ...plan, now: at(24 * hour) });
    expect(next).toMatchObject({ lastMissed: true });
    const again = nextReading(next, { ...plan, isAll: true, now: at(25 * hour) });
    expect(again).toMatchObject({ lastMissed: true });
    const complete = { ...missed, missed: [], lastMissed: true };
    expect(nextReading(complete, { ...plan, now: at(26 * hour) })).not.toHaveProperty('lastMissed');
  });

  it('starts again after a change of the policy, and forgets the end of the old reading', () => {
    const ended = { ...begun, of: 'old', read: 5, endedAt: at(1).toISOString() };
    expect(nextReading(ended, { ...plan, now: at(2) })).toEqual({ ...begun, startedAt: at(2).toISOString() });
  });

  it('starts again in one go when all twins are asked for', () => {
    const part = { ...begun, read: 5, continuation: 'token' };
    expect(nextReading(part, { ...plan, isAll: true, now: at(1) })).toEqual({
      ...begun,
      startedAt: at(1).toISOString(),
      inOneGo: true,
    });
  });

  it('never ends early in one go, or where the number of twins is unknown', () => {
    expect(isEnough({ ...begun, read: 1, total: 9, inOneGo: true }, at(0), hour)).toBe(false);
    expect(isEnough({ ...begun, read: 1 }, at(0), hour)).toBe(false);
  });

  it('ends in time, in slices that no sweep makes much larger than its share', () => {
    const pages = fc.integer({ min: 1, max: 400 });
    const gap = fc.integer({ min: 5, max: 120 }).map((minutes) => minutes * 60_000);
    fc.assert(
      fc.property(pages, gap, (count, between) => {
        const spread = 18 * hour;
        const total = count * 1000;
        let reading: Reading = { ...begun, total };
        for (let time = 0; ; time += between) {
          const before = reading.read;
          if (before > 0 && isEnough(reading, at(time), spread)) continue;
          do reading = { ...reading, read: reading.read + 1000 };
          while (reading.read < total && !isEnough(reading, at(time), spread));
          // The share of the time since the last sweep, and at most one page more, because slices are whole pages.
          expect(reading.read - before).toBeLessThanOrEqual(1000 + (total * between) / spread);
          if (reading.read >= total) {
            expect(time).toBeLessThanOrEqual(spread + between);
            break;
          }
        }
      }),
    );
  });
});

describe('the sentence about a reading', () => {
  it('says which part was read, and when the last full read ended', () => {
    const part = { ...begun, read: 2000, total: 8000 };
    expect(describeReading(part, true, 24 * hour)).toMatch(/^2000 of about 8000 twins .*no full read has ended yet\.$/);
    expect(describeReading({ ...part, lastEndedAt: '2026-02-28' }, true, 24 * hour)).toContain('ended at 2026-02-28.');
    const ended = { ...part, endedAt: '2026-03-01T18:00:00Z' };
    expect(describeReading(ended, true, 24 * hour)).toBe('The full read of 2000 twins ended at 2026-03-01T18:00:00Z.');
    expect(describeReading(ended, false, 24 * hour)).toMatch(/read none.*T18:00:00Z.*after 2026-03-02T00:00:00/);
  });
});
