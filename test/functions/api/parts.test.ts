import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeRule } from '../../../functions/api/describe-rule.ts';
import { readDriftCursor, writeDriftCursor } from '../../../functions/api/drift-cursor.ts';
import { chooseMediaType } from '../../../functions/api/http/accept.ts';
import { ApiProblem } from '../../../functions/api/http/problem.ts';
import { completeRange, parseTime } from '../../../functions/api/http/time-range.ts';
import { toOpenRow } from '../../../functions/api/open-row.ts';
import { from as fromParameter } from '../../../functions/api/parameters.ts';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { absent, between, byDefault, exactly, oneOf } from '../../../shared/policy/index.ts';

const forms = ['application/json', 'text/csv', 'application/x-ndjson'] as const;

describe('the form of an answer', () => {
  it.each([
    [null, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['Text/CSV; charset=utf-8', 'text/csv'],
    ['text/*', 'text/csv'],
    ['application/*', 'application/json'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
    ['application/json;q=0.1, application/x-ndjson', 'application/x-ndjson'],
    ['*/*, application/json;q=0', 'text/csv'],
  ])('for Accept: %s is %s', (accept, form) => {
    expect(chooseMediaType(accept, forms)).toBe(form);
  });

  it('is refused where there is none, and never breaks', () => {
    expect(() => chooseMediaType('image/png', forms)).toThrow(ApiProblem);
    expect(() => chooseMediaType('text/csv;q=0', forms)).toThrow(ApiProblem);
    fc.assert(
      fc.property(fc.string(), (accept) => {
        try {
          return forms.includes(chooseMediaType(accept, forms));
        } catch (error) {
          return error instanceof ApiProblem && error.status === 406;
        }
      }),
    );
  });
});

describe('a time', () => {
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
  ])('%s is %s', (text, time) => {
    expect(fromParameter.safeParse(text).success).toBe(true);
    expect(parseTime('from', text, now)).toBe(time);
  });

  it.each(['2026-13-01', '2026-02-29', '2026-11-22T25:00', '0000-01-01'])('is not %s', (text) => {
    expect(() => parseTime('from', text, now)).toThrow(/from must be a real moment/);
  });

  it('that its form lets through is a moment, or a problem', () => {
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

  it('that is missing is filled in: the last day', () => {
    expect(completeRange({}, now)).toEqual({ from: '2026-11-21T05:00:01.000Z', to: '2026-11-22T05:00:01.000Z' });
    expect(completeRange({ to: '2026-01-02T00:00:00.000Z' }, now).from).toBe('2026-01-01T00:00:00.000Z');
  });
});

describe('a cursor', () => {
  it('brings back what it was made of, for the same times only', () => {
    const times = fc.option(fc.constantFrom('-24h', '2026-01-01'), { nil: undefined });
    fc.assert(
      fc.property(times, times, fc.stringMatching(/^[\w-]+$/), (from, to, after) => {
        const place = { asked: { from, to }, range: { from: '2026-01-01T00:00:00.000Z' }, after };
        const cursor = writeDriftCursor(place);
        expect(readDriftCursor(cursor, { from, to })).toEqual(place);
        expect(() => readDriftCursor(cursor, { from: '-1h', to })).toThrow(ApiProblem);
      }),
    );
  });

  it('that is none is a problem, whatever it is', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    fc.assert(
      fc.property(text, (cursor) => {
        expect(() => readDriftCursor(cursor, { from: undefined, to: undefined })).toThrow(ApiProblem);
      }),
    );
  });
});

describe('why something is not mended', () => {
  const why = (row: Partial<DriftRow>) => toOpenRow({ mode: 'enforce', kind: 'wrongValue', ...row } as DriftRow).why;

  it('is told by its outcome, and by what the guard has said', () => {
    expect(why({ outcome: 'heldBack', error: 'contested: somebody keeps changing it back' }).state).toBe('contested');
    expect(why({ outcome: 'heldBack', error: 'the limit' })).toEqual({ state: 'heldBack', reason: 'the limit' });
    expect(why({ outcome: 'failed', error: '400' })).toEqual({ state: 'failed', reason: '400' });
    expect(why({ outcome: 'audited', mode: 'audit' }).reason).toMatch(/audit mode/);
    expect(why({ outcome: 'audited', mode: 'audit', kind: 'notReported' }).reason).toMatch(/agent/);
    expect(why({ outcome: 'audited', message: 'cannot be mended: too large' }).reason).toMatch(/too large/);
    expect(why({ outcome: 'deferred' })).toMatchObject({ state: 'deferred', reason: expect.stringMatching(/again/) });
    expect(why({ outcome: 'pending' }).state).toBe('pending');
  });
});

describe('a rule in words', () => {
  it('says what is allowed', () => {
    expect(
      [exactly('x'), byDefault(1), oneOf(['a', 2], { otherwise: 2 }), between(1, 9, { otherwise: 5 }), absent()].map(
        describeRule,
      ),
    ).toEqual(['exactly "x"', '1 unless set otherwise', 'one of "a", 2', 'from 1 to 9', 'absent']);
    expect(describeRule(exactly('x'.repeat(5000))).length).toBeLessThan(300);
  });
});
