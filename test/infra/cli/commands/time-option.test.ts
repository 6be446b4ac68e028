import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queryOf } from '../../../../infra/cli/commands/query-option.ts';
import { parseTime } from '../../../../infra/cli/commands/time-option.ts';

const now = new Date('2026-11-22T05:00:00Z');

describe('a time on the command line', () => {
  it.each([
    ['-30m', '2026-11-22T04:30:00.000Z'],
    ['-24h', '2026-11-21T05:00:00.000Z'],
    ['-7d', '2026-11-15T05:00:00.000Z'],
    ['-90s', '2026-11-22T04:58:30.000Z'],
    ['-2w', '2026-11-08T05:00:00.000Z'],
    ['2026-11-22', '2026-11-22T00:00:00.000Z'],
    ['2026-11-22T05:00', '2026-11-22T05:00:00.000Z'],
    ['2026-11-22T05:00:07.5Z', '2026-11-22T05:00:07.500Z'],
    ['2026-11-22T05:00+02:00', '2026-11-22T03:00:00.000Z'],
  ])('can be %s', (text, at) => {
    expect(parseTime(text, now)).toBe(at);
  });

  it.each([
    '',
    'yesterday',
    '-3y',
    '24h',
    '--json',
    '-',
    '2026-02-31',
    '2026-02-31T00:00+02:00',
    '2026-11-22T24:00Z',
    '2026-13-01',
    '1',
    '-999999w',
    "2026-11-22' or '",
  ])('cannot be "%s", and the error shows valid times', (text) => {
    expect(() => parseTime(text, now)).toThrow(/It must be a time, such as .* -24h/);
  });

  it('stays the same when it is given as the history stores it', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), (date) => {
        expect(parseTime(date.toISOString(), now)).toBe(date.toISOString());
      }),
    );
  });
});

describe('the time range of a query', () => {
  it('is the last 24 hours, all time for one device, or the given range', () => {
    expect(queryOf({}, now)).toEqual({ from: '2026-11-21T05:00:01.000Z', to: '2026-11-22T05:00:01.000Z' });
    expect(queryOf({ device: 'd' }, now)).toEqual({ deviceId: 'd', to: '2026-11-22T05:00:01.000Z' });
    expect(queryOf({ from: '2026-11-01T00:00:00.000Z', to: '2026-11-02T00:00:00.000Z', module: '' }, now)).toEqual({
      moduleId: '',
      from: '2026-11-01T00:00:00.000Z',
      to: '2026-11-02T00:00:00.000Z',
    });
  });

  it('must not end before it begins, or be longer than three years without a device', () => {
    expect(() => queryOf({ from: '2026-11-02T00:00:00.000Z', to: '2026-11-01T00:00:00.000Z' }, now)).toThrow(
      /swap them/,
    );
    expect(() => queryOf({ from: '2016-11-22T00:00:00.000Z' }, now)).toThrow(/is too long: choose three years/);
    expect(queryOf({ from: '2016-11-22T00:00:00.000Z', device: 'd' }, now)).toMatchObject({ deviceId: 'd' });
  });
});
