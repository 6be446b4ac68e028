import { describe, expect, it } from 'vitest';
import {
  absent,
  baselineOf,
  between,
  byDefault,
  checkValue,
  definePolicy,
  exactly,
  oneOf,
  repairValue,
  toPolicySet,
} from '../../../shared/policy/index.ts';
import { isJsonObject, type Json, jsonEquals, setAt } from '../../../shared/twin/index.ts';
import { fc, jsonObject } from '../../support/arbitraries.ts';

const values = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom<Json>('x', true, [1]), jsonObject);

describe('the rule', () => {
  it('exactly accepts only its value', () => {
    fc.assert(
      fc.property(values, values, (value, actual) => {
        expect(checkValue(exactly(value), actual)).toBe(jsonEquals(value, actual) ? undefined : 'wrongValue');
      }),
    );
  });

  it('byDefault accepts every value', () => {
    fc.assert(fc.property(values, values, (value, actual) => !checkValue(byDefault(value), actual)));
  });

  it('oneOf accepts only its values', () => {
    fc.assert(
      fc.property(values, values, values, (first, second, actual) => {
        const isAllowed = jsonEquals(first, actual) || jsonEquals(second, actual);
        expect(checkValue(oneOf([first, second], { otherwise: first }), actual)).toBe(
          isAllowed ? undefined : 'wrongValue',
        );
      }),
    );
  });

  it('between accepts only numbers in its range', () => {
    fc.assert(
      fc.property(values, (actual) => {
        const isAllowed = typeof actual === 'number' && Math.abs(actual) <= 2;
        expect(checkValue(between(-2, 2, { otherwise: 0 }), actual)).toBe(isAllowed ? undefined : 'wrongValue');
      }),
    );
  });

  it('absent accepts no value', () => {
    fc.assert(fc.property(values, (actual) => checkValue(absent(), actual) === 'forbiddenProperty'));
    expect(checkValue(absent(), undefined)).toBeUndefined();
  });
});

describe('every rule except absent', () => {
  it('rejects a missing property, and accepts its own repair value', () => {
    fc.assert(
      fc.property(values, (value) => {
        for (const rule of [
          exactly(value),
          byDefault(value),
          oneOf([value], { otherwise: value }),
          between(0, 1, { otherwise: 1 }),
        ]) {
          expect(checkValue(rule, undefined)).toBe('missingProperty');
          expect(checkValue(rule, repairValue(rule))).toBeUndefined();
        }
      }),
    );
  });
});

describe('the baseline of a policy', () => {
  it('holds the repair value of every rule except absent', () => {
    const desired = {
      a: byDefault(1),
      s: { x: between(1, 3, { otherwise: 2 }), gone: absent() },
      t: oneOf([[1], 2], { otherwise: [1] }),
    };
    const [policy] = toPolicySet([definePolicy({ name: 'p', desired })], { mode: 'enforce' }).all;
    if (policy === undefined) throw new Error('The policy set is empty.');
    expect(baselineOf(policy)).toEqual(setAt({ a: 1, t: [1] }, ['s', 'x'], 2));
    expect(isJsonObject(baselineOf(policy))).toBe(true);
  });
});
