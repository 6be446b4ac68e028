import { describe, expect, it } from 'vitest';
import { toJsonText } from '../../../shared/storage/json-text.ts';
import { anyJson, fc } from '../../support/arbitraries.ts';

describe('the JSON text of a value', () => {
  it('can be parsed at any depth', () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(0, 10_000), (value, depth) => {
        const text = JSON.stringify(value);
        const deep = JSON.parse(`${'[1,{"a":0,"b":'.repeat(depth)}${text}${',"c":[]},{}]'.repeat(depth)}`) as unknown;
        let inner = JSON.parse(toJsonText(deep)) as unknown;
        for (let level = 0; level < depth; level++) {
          const [one, object, end] = inner as [unknown, { a: unknown; b: unknown; c: unknown }, unknown];
          if (level % 1000 === 0) expect([one, object.a, object.c, end]).toEqual([1, 0, [], {}]);
          inner = object.b;
        }
        expect(JSON.stringify(inner)).toBe(text);
      }),
      { numRuns: 10 },
    );
  });

  it('is null for undefined', () => {
    expect(toJsonText(undefined)).toBe('null');
  });
});
