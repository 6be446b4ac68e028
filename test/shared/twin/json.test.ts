import { describe, expect, it } from 'vitest';
import { deepFreeze, type JsonObject, jsonEquals } from '../../../shared/twin/index.ts';
import { fc, jsonObject } from '../../support/arbitraries.ts';
import { sorted } from './sorted.ts';

describe('equality of JSON values', () => {
  it('is equality of their text with sorted keys', () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (left, right) => {
        expect(jsonEquals(left, right)).toBe(JSON.stringify(sorted(left)) === JSON.stringify(sorted(right)));
        expect(jsonEquals(left, JSON.parse(JSON.stringify(left)) as JsonObject)).toBe(true);
      }),
    );
  });

  it.each([
    [[], {}],
    [{ a: undefined as never }, {}],
    [null, {}],
    [0, false],
    [
      [1, 2],
      [2, 1],
    ],
    [{}, JSON.parse('{"__proto__":{}}')],
    [{ toString: 1 }, { valueOf: 1 }],
  ])('distinguishes %j from %j', (left, right) => {
    expect(jsonEquals(left, right)).toBe(false);
    expect(jsonEquals(right, left)).toBe(false);
  });
});

describe('deep freezing', () => {
  it('freezes everything inside a value, and returns the same value', () => {
    fc.assert(
      fc.property(jsonObject, (value) => {
        expect(deepFreeze(value)).toBe(value);
        const visit = (inner: unknown): void => {
          expect(Object.isFrozen(inner)).toBe(true);
          if (typeof inner === 'object' && inner !== null) Object.values(inner).forEach(visit);
        };
        visit(value);
      }),
    );
  });
});
