import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../../infra/local/hub/twin-limits.ts';
import { type JsonObject, limitFaults, twinSize } from '../../../shared/twin/index.ts';
import { fc, jsonObject } from '../../support/arbitraries.ts';

describe('the size of a twin section', () => {
  it('is the size that the local hub counts', () => {
    fc.assert(fc.property(jsonObject, (values) => void expect(twinSize(values)).toBe(sizeOf(values))));
  });

  it('counts UTF-8 bytes, 8 for a number, 4 for a boolean, and no metadata', () => {
    expect(twinSize({ ü: '€', n: 1, b: true, o: { x: [1, 'ab'] }, $metadata: { a: 'long' }, $version: 3 })).toBe(
      2 + 3 + (1 + 8) + (1 + 4) + 1 + 1 + 8 + 2,
    );
  });
});

describe('the limits of a twin', () => {
  it.each<[string, unknown, string | undefined]>([
    ['the largest integer', { n: 4503599627370495 }, undefined],
    ['the smallest integer', { n: -4503599627370496 }, undefined],
    ['an integer that is too large', { n: 4503599627370496 }, 'n'],
    ['an integer beyond 2^53', { n: 2 ** 60 }, 'n'],
    ['NaN', { n: Number.NaN }, 'n'],
    ['a string of 4 KB', { s: 'x'.repeat(4096) }, undefined],
    ['a string of 4 KB and one byte', { s: 'x'.repeat(4097) }, 's'],
    ['a string that is longer than 4 KB in UTF-8', { s: '€'.repeat(1366) }, 's'],
    ['a key of 1 KB', { ['k'.repeat(1024)]: 1 }, undefined],
    ['a key of 1 KB and one byte', { ['k'.repeat(1025)]: 1 }, 'k'.repeat(1025)],
    ['a key with a dot', { 'a.b': 1 }, 'a.b'],
    ['a key with a dollar', { $a: 1 }, '$a'],
    ['a key with a space', { 'a b': 1 }, 'a b'],
    ['a key with a control character', { 'a\u0085': 1 }, 'a\u0085'],
    ['an empty key', { a: { '': 1 } }, 'a.'],
    ['null', { a: { b: null } }, 'a.b'],
    ['null in an array', { a: [1, null] }, 'a[1]'],
    ['ten levels', nested(10), undefined],
    ['undefined', { a: undefined }, 'a'],
  ])('are checked for %s', (_, section, path) => {
    expect(limitFaults(section as JsonObject).map((fault) => fault.path)).toEqual(path === undefined ? [] : [path]);
  });

  it('forbid # in keys of desired properties only', () => {
    expect(limitFaults({ a: { 'b#': 1 } }, 'desired').map(({ path }) => path)).toEqual(['a.b#']);
    expect(limitFaults({ a: { 'b#': 1 } })).toEqual([]);
  });

  it('allow no more than ten levels', () => {
    expect(limitFaults(nested(11))).toMatchObject([{ message: expect.stringContaining('at most 10 levels') }]);
  });
});

function nested(levels: number): JsonObject {
  return levels === 0 ? { leaf: 1 } : { level: nested(levels - 1) };
}
