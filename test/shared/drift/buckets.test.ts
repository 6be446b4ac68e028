import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Buckets } from '../../../shared/drift/buckets.ts';

const hour = 3_600_000;

/** The starts of the buckets of each hour from `from` to `to`, without doubles. */
function startsOf(from: string, to: string, hours: number, zone?: string): readonly string[] {
  const buckets = new Buckets(Date.parse(from), hours, zone);
  const starts = new Set<string>();
  for (let at = Date.parse(from); at < Date.parse(to); at += hour) {
    starts.add(new Date(buckets.startOf(at)).toISOString().slice(0, 16));
  }
  return [...starts];
}

describe('the buckets of a summary', () => {
  it('follow each other from the first hour, without a time zone', () => {
    expect(startsOf('2026-01-10T05:00Z', '2026-01-12T05:00Z', 24)).toEqual(['2026-01-10T05:00', '2026-01-11T05:00']);
  });

  it('are local days where the clocks change', () => {
    expect(startsOf('2026-03-27T23:00Z', '2026-03-30T22:00Z', 24, 'Europe/Berlin')).toEqual([
      '2026-03-27T23:00',
      '2026-03-28T23:00',
      '2026-03-29T22:00',
    ]);
    expect(startsOf('2026-10-23T22:00Z', '2026-10-26T23:00Z', 24, 'Europe/Berlin')).toEqual([
      '2026-10-23T22:00',
      '2026-10-24T22:00',
      '2026-10-25T23:00',
    ]);
  });

  it('are quarters of local days', () => {
    expect(startsOf('2026-06-01T04:00Z', '2026-06-02T04:00Z', 6, 'America/New_York')).toEqual([
      '2026-06-01T04:00',
      '2026-06-01T10:00',
      '2026-06-01T16:00',
      '2026-06-01T22:00',
    ]);
  });

  it('begin with the first whole hour of a day where the offset is no whole hour', () => {
    expect(startsOf('2026-06-01T10:00Z', '2026-06-03T10:00Z', 24, 'Asia/Kolkata')).toEqual([
      '2026-06-01T10:00',
      '2026-06-01T19:00',
      '2026-06-02T19:00',
    ]);
    expect(startsOf('2026-06-01T18:00Z', '2026-06-02T10:00Z', 24, 'Asia/Kathmandu')).toEqual([
      '2026-06-01T18:00',
      '2026-06-01T19:00',
    ]);
  });

  it('cover all hours in order, without overlap, in any zone', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Asia/Beirut', 'Pacific/Apia'];
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(2, 3, 6, 12, 24, 48, 168),
        fc.integer({ min: 300_000, max: 500_000 }),
        (zone, hours, first) => {
          const buckets = new Buckets(first * hour, hours, zone);
          let last = first * hour;
          for (let at = first * hour; at < (first + 30 * 24) * hour; at += hour) {
            const start = buckets.startOf(at);
            // Each hour lies in the bucket of the hour before, or begins one.
            expect(start === last || start === at).toBe(true);
            last = start;
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('begin at the same time, whichever hour of theirs has rows', () => {
    for (const day of ['2026-03-29', '2026-10-25']) {
      const first = Date.parse(`${day}T00:00Z`) - 48 * hour;
      for (const hours of [6, 24]) {
        const inOrder = new Buckets(first, hours, 'Europe/Berlin');
        for (let at = first; at < first + 96 * hour; at += hour) {
          expect(new Buckets(first, hours, 'Europe/Berlin').startOf(at)).toBe(inOrder.startOf(at));
        }
      }
    }
  });

  it('refuse a time zone that does not exist', () => {
    expect(() => new Buckets(0, 24, 'Europe/Atlantis')).toThrow(RangeError);
  });
});
