import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../infra/local/hub/json.ts';
import { checkSize, checkValues, sizeOf } from '../../../../infra/local/hub/twin-limits.ts';
import { fc, jsonObject } from './arbitraries.ts';

const check = (values: JsonObject) => () => checkValues('properties.desired', values);

describe('the limits of a twin', () => {
  it.each([
    ['a dot', 'a.b'],
    ['a dollar sign', '$a'],
    ['a space', 'a b'],
    ['a control character', 'a\u0007'],
    ['a control character of segment C1', 'a\u0085'],
  ])('forbid a key with %s', (_, key) => {
    expect(check({ outer: { [key]: 1 } })).toThrow(/must not contain control characters/);
  });

  it('count the bytes of a key, not its characters', () => {
    expect(check({ ['é'.repeat(512)]: 1 })).not.toThrow();
    expect(check({ [`${'é'.repeat(512)}a`]: 1 })).toThrow(/1025 bytes/);
  });

  it('allow a string of 4 KB', () => {
    expect(check({ a: 'x'.repeat(4096) })).not.toThrow();
    expect(check({ a: 'x'.repeat(4097) })).toThrow(
      'The string at properties.desired.a has 4097 bytes, the limit is 4096',
    );
  });

  it.each([4503599627370495, -4503599627370496, 0.1, -1.5e15])('allow the number %d', (number) => {
    expect(check({ a: number })).not.toThrow();
  });

  it.each([4503599627370496, -4503599627370497, 1e300])('forbid the number %d', (number) => {
    expect(check({ a: number })).toThrow(/is not between/);
    expect(check({ a: [number] })).toThrow(/is not between/);
  });

  it('allow ten levels of nesting below a section', () => {
    expect(check(nested(10))).not.toThrow();
    expect(check(nested(11))).toThrow(/nested deeper than 10 levels/);
  });

  it('allow arrays, and nulls in a patch', () => {
    expect(check({ a: [1, 'x', { b: true }], c: null })).not.toThrow();
  });

  it('count keys and strings in UTF-8, 8 for a number, 4 for a boolean', () => {
    expect(sizeOf({ é: 'ü', ab: 1, c: { d: true } })).toBe(2 + 2 + (2 + 8) + 1 + (1 + 4));
  });

  it.each([
    ['tags', 8],
    ['properties.desired', 32],
    ['properties.reported', 32],
  ] as const)('allow %s of %d KB', (section, kilobytes) => {
    expect(() => checkSize(section, filled(kilobytes * 1024))).not.toThrow();
    expect(() => checkSize(section, filled(kilobytes * 1024 + 1))).toThrow(/bytes, the limit is/);
  });

  it('count an object as the sum of its keys and values', () => {
    fc.assert(
      fc.property(jsonObject, (values) => {
        const parts = Object.entries(values).map(([key, value]) => Buffer.byteLength(key) + sizeOf(value as JsonValue));
        expect(sizeOf(values)).toBe(parts.reduce((sum, part) => sum + part, 0));
      }),
    );
  });
});

function nested(levels: number): JsonObject {
  return levels === 0 ? { end: 1 } : { a: nested(levels - 1) };
}

/** Creates a section of exactly `bytes` bytes. Its keys have one byte, and its strings have at most 4000 bytes. */
function filled(bytes: number): JsonObject {
  const values: Record<string, string> = {};
  for (let left = bytes, key = 97; left > 0; key += 1) {
    const length = Math.min(left - 1, 4000);
    values[String.fromCharCode(key)] = 'x'.repeat(length);
    left -= length + 1;
  }
  return values;
}
