import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDriftCursor, writeDriftCursor } from '../../../functions/api/drift-cursor.ts';
import { ApiProblem } from '../../../functions/api/http/problem.ts';

describe('the cursor of a drift page', () => {
  it('gives back its content, but only for the same values of from and to', () => {
    const times = fc.option(fc.constantFrom('-24h', '2026-01-01'), { nil: undefined });
    fc.assert(
      fc.property(times, times, fc.stringMatching(/^[\w-]+$/), (from, to, after) => {
        const position = { asked: { from, to }, range: { from: '2026-01-01T00:00:00.000Z' }, after };
        const cursor = writeDriftCursor(position);
        expect(readDriftCursor(cursor, { from, to })).toEqual(position);
        expect(() => readDriftCursor(cursor, { from: '-1h', to })).toThrow(ApiProblem);
      }),
    );
  });

  it('is refused when it is any other text', () => {
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
