import { describe, expect, it } from 'vitest';
import {
  absent,
  atLeast,
  atMost,
  baselineOf,
  between,
  byDefault,
  checkValue,
  definePolicy,
  duration,
  exactly,
  matches,
  oneOf,
  optional,
  type RuleContent,
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

describe('a rule with bounds', () => {
  const allows = (rule: RuleContent, actual: Json) => checkValue(rule, actual) === undefined;

  it('atLeast and atMost accept only numbers on their side of the bound', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: -5, max: 5 }), (actual, bound) => {
        const isNumber = typeof actual === 'number';
        expect(allows(atLeast(bound), actual)).toBe(isNumber && actual >= bound);
        expect(allows(atMost(bound), actual)).toBe(isNumber && actual <= bound);
      }),
    );
    expect(repairValue(atLeast(2))).toBe(2);
    expect(repairValue(atLeast(60, { otherwise: 2880 }))).toBe(2880);
    expect(repairValue(atMost(5, { otherwise: 1 }))).toBe(1);
  });

  it('duration compares ISO 8601 durations by length', () => {
    const hour = duration('PT1H');
    for (const same of ['PT1H', 'PT60M', 'PT3600S', 'PT1.0H', 'P0DT1H', 'PT3600.000S']) {
      expect(allows(hour, same), same).toBe(true);
    }
    for (const other of [
      'PT61M',
      'P1H',
      'PT',
      'P',
      'P1DT',
      '-PT1H',
      ' PT1H',
      'PT1H;',
      'P1Y',
      'P1M',
      3600,
      '',
      ['PT1H'],
    ]) {
      expect(allows(hour, other), JSON.stringify(other)).toBe(false);
    }
    expect(allows(duration('PT24H'), 'P1D')).toBe(true);
    expect(allows(duration('P7D'), 'P1W')).toBe(true);
    expect(allows(duration({ atMost: 'PT7M' }), 'PT419S')).toBe(true);
    expect(allows(duration({ atMost: 'PT7M' }), 'PT421S')).toBe(false);
    expect(allows(duration({ atLeast: 'PT7M' }), 'P1D')).toBe(true);
    expect(allows(duration({ atLeast: 'PT7M' }), 'PT6M59.9S')).toBe(false);
    expect(repairValue(duration({ atMost: 'PT7M' }))).toBe('PT7M');
    expect(repairValue(duration({ atLeast: 'PT1M' }))).toBe('PT1M');
    expect(repairValue(duration({ atLeast: 'PT1M', atMost: 'PT9M' }, { otherwise: 'PT5M' }))).toBe('PT5M');
    expect(allows(hour, `PT${'1'.repeat(4000)}H`)).toBe(false);
  });

  it('matches accepts only texts that match its pattern', () => {
    const rule = matches('eth*', { otherwise: 'eth0' });
    expect(['eth0', 'eth', 'eth1,eth2'].every((text) => allows(rule, text))).toBe(true);
    expect([`x-eth0`, 'Eth0', '', 0, ['eth0']].some((value) => allows(rule, value))).toBe(false);
    expect(allows(matches(`${'*a'.repeat(30)}*b`, { otherwise: `${'a'.repeat(30)}b` }), 'a'.repeat(4000))).toBe(false);
  });
});

describe('the rule optional', () => {
  it('accepts a missing property, and otherwise the values of its rule', () => {
    fc.assert(
      fc.property(values, values, (value, actual) => {
        const rule = optional(exactly(value));
        expect(checkValue(rule, undefined)).toBeUndefined();
        expect(checkValue(rule, actual)).toBe(checkValue(exactly(value), actual));
        expect(repairValue(rule)).toEqual(value);
      }),
    );
    expect(optional(5)).toEqual(optional(exactly(5)));
  });

  it('adds nothing to the baseline', () => {
    const [policy] = toPolicySet([definePolicy({ name: 'p', desired: { a: optional(1), b: 2 } })], {
      mode: 'enforce',
    }).all;
    expect(policy && baselineOf(policy)).toEqual({ b: 2 });
  });
});

describe('every rule that requires its property', () => {
  it('rejects a missing property, and accepts its own repair value', () => {
    fc.assert(
      fc.property(values, (value) => {
        for (const rule of [
          exactly(value),
          byDefault(value),
          oneOf([value], { otherwise: value }),
          between(0, 1, { otherwise: 1 }),
          atLeast(3),
          atMost(3),
          duration('PT1H'),
          matches('x*', { otherwise: 'xy' }),
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
