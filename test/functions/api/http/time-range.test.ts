import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiProblem } from '../../../../functions/api/http/problem.ts';
import { completeRange, parseTime } from '../../../../functions/api/http/time-range.ts';
import { from as fromParameter } from '../../../../functions/api/parameter-schemas.ts';

describe('a time parameter', () => {
  const now = new Date('2026-11-22T05:00:00.000Z');

  it.each([
    ['-24h', '2026-11-21T05:00:00.000Z'],
    ['-30m', '2026-11-22T04:30:00.000Z'],
    ['-1w', '2026-11-15T05:00:00.000Z'],
    ['2026-11-22', '2026-11-22T00:00:00.000Z'],
    ['2026-11-22T04:00', '2026-11-22T04:00:00.000Z'],
    ['2026-11-22T04:00:00.1234567Z', '2026-11-22T04:00:00.123Z'],
    ['2026-11-22T04:00:00+02:00', '2026-11-22T02:00:00.000Z'],
    ['2026-11-22T04:00:00 02:00', '2026-11-22T02:00:00.000Z'],
    ['-999999d', '1970-01-01T00:00:00.000Z'],
  ])('%s means %s', (text, time) => {
    expect(fromParameter.safeParse(text).success).toBe(true);
    expect(parseTime('from', text, now)).toBe(time);
  });

  it.each(['2026-13-01', '2026-02-29', '2026-11-22T25:00', '0000-01-01'])('cannot be %s', (text) => {
    expect(() => parseTime('from', text, now)).toThrow(/from must be a real time/);
  });

  it('becomes a time since 1970 or a 400 problem, whatever its digits are', () => {
    const digits = (length: number) => fc.stringMatching(new RegExp(`^\\d{${length}}$`));
    const text = fc
      .tuple(digits(4), digits(2), digits(2), digits(2), digits(2), fc.constantFrom('', 'Z', '+99:99', '-05:30'))
      .map(([y, m, d, h, min, zone]) => `${y}-${m}-${d}T${h}:${min}${zone}`);
    fc.assert(
      fc.property(text, (time) => {
        try {
          return new Date(parseTime('from', time, now)).getTime() >= 0;
        } catch (error) {
          return error instanceof ApiProblem && error.status === 400;
        }
      }),
    );
  });

  it('that is missing is filled in, so that the range is the last 24 hours', () => {
    expect(completeRange({}, now)).toEqual({ from: '2026-11-21T05:00:01.000Z', to: '2026-11-22T05:00:01.000Z' });
    expect(completeRange({ to: '2026-01-02T00:00:00.000Z' }, now).from).toBe('2026-01-01T00:00:00.000Z');
  });
});
