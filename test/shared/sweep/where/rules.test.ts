import { describe, expect, it } from 'vitest';
import {
  absent,
  atLeast,
  atMost,
  baselineOf,
  between,
  byDefault,
  duration,
  exactly,
  matches,
  oneOf,
  optional,
  type PolicyDefinition,
} from '../../../../shared/policy/index.ts';
import { maxQueryLength, parseQuery } from '../../../../shared/query/index.ts';
import { brokenRules } from '../../../../shared/reconcile/departures.ts';
import { brokenModulesQueries, compileRules } from '../../../../shared/sweep/where/index.ts';
import { type Json, mergePatch } from '../../../../shared/twin/index.ts';
import { fc } from '../../../support/arbitraries.ts';
import { meetsAny, policyOf, policyWithTwin } from './policy-and-twin.ts';

describe("the conditions for a policy's rules", () => {
  it('match exactly the twins that break a rule', () => {
    fc.assert(
      fc.property(policyWithTwin({ objects: false }), ({ policy, document, twin }) => {
        const { conditions, walkReason } = compileRules(policy);
        expect(walkReason).toBeUndefined();
        expect(meetsAny(conditions, document)).toBe(brokenRules([policy], twin).length > 0);
      }),
      { numRuns: 1000 },
    );
  });

  it('match only twins that break a rule, and need a walk for rules that want objects', () => {
    fc.assert(
      fc.property(policyWithTwin({ objects: true }), ({ policy, document, twin }) => {
        const { conditions, walkReason } = compileRules(policy);
        const isBroken = brokenRules([policy], twin).length > 0;
        if (meetsAny(conditions, document)) expect(isBroken).toBe(true);
        else if (isBroken) expect(walkReason).toContain(policy.name);
      }),
      { numRuns: 500 },
    );
  });

  it.each<[string, Json | ReturnType<typeof exactly>, string]>([
    ['a string', 'High', "NOT IS_STRING(P) OR P != 'High'"],
    ['a boolean', true, 'NOT IS_BOOL(P) OR P != true'],
    ['a number', 256, 'NOT IS_NUMBER(P) OR P != 256'],
    ['a range', between(60, 2880, { otherwise: 60 }), 'NOT IS_NUMBER(P) OR P < 60 OR P > 2880'],
    ['a choice', oneOf(['High', 'Low'], { otherwise: 'Low' }), "NOT IS_STRING(P) OR P NIN ['High','Low']"],
    ['a choice of one', oneOf(['High', 'High'], { otherwise: 'High' }), "NOT IS_STRING(P) OR P != 'High'"],
    ['either boolean', oneOf([true, false], { otherwise: true }), 'NOT IS_BOOL(P)'],
    [
      'a choice across types',
      oneOf(['Off', 1, 2, false], { otherwise: 1 }),
      "((NOT IS_STRING(P) OR P != 'Off') AND (NOT IS_NUMBER(P) OR P NIN [1,2]) AND (NOT IS_BOOL(P) OR P != false))",
    ],
    ['a lower bound', atLeast(256), 'NOT IS_NUMBER(P) OR P < 256'],
    ['an upper bound', atMost(5), 'NOT IS_NUMBER(P) OR P > 5'],
    [
      'a pattern',
      matches('eth*0', { otherwise: 'eth0' }),
      "NOT IS_STRING(P) OR NOT STARTSWITH(P, 'eth') OR NOT ENDSWITH(P, '0')",
    ],
    ['a pattern without asterisk', matches('eth', { otherwise: 'eth' }), "NOT IS_STRING(P) OR NOT (P = 'eth')"],
    ['any text', matches('*', { otherwise: 'eth' }), 'NOT IS_STRING(P)'],
    ['a duration', duration('PT24H'), "NOT IS_STRING(P) OR P NIN ['PT24H','P1D']"],
    [
      'a longest duration',
      duration({ atMost: 'PT2M' }),
      "NOT IS_STRING(P) OR P NIN ['PT2M','PT10S','PT15S','PT30S','PT1M']",
    ],
    ['an optional value', optional(5), '(IS_DEFINED(P) AND (NOT IS_NUMBER(P) OR P != 5))'],
    ['any value', byDefault([1]), 'NOT IS_DEFINED(P)'],
    ['no value', absent(), 'IS_DEFINED(P)'],
  ])('test the type before the value: %s', (_, rule, text) => {
    expect(compileRules(policyOf({ desired: { a: rule } }))).toEqual({
      conditions: [text.replaceAll(/\bP\b/g, 'properties.desired.a')],
    });
  });

  it('match a twin whose section was replaced by another type', () => {
    const { conditions } = compileRules(policyOf({ desired: { a: { b: { c: 1 } } } }));
    for (const desired of [{}, { a: 'x' }, { a: { b: [1] } }, { a: { b: { c: '1' } } }]) {
      expect(meetsAny(conditions, { properties: { desired } })).toBe(true);
    }
    expect(meetsAny(conditions, { properties: { desired: { a: { b: { c: 1 } } } } })).toBe(false);
  });

  it('are packed into as few queries as possible if they are too long for one', () => {
    const desired = Object.fromEntries(
      Array.from({ length: 150 }, (_, index) => [`setting${index}`, { value: `${index}`.repeat(1 + (index % 40)) }]),
    );
    const policy = policyOf({ module: "m'".repeat(60), appliesTo: { deviceId: "it's-*" }, desired });
    const { conditions, walkReason } = compileRules(policy);
    expect(walkReason).toBeUndefined();
    const queries = brokenModulesQueries(policy);
    expect(queries).toHaveLength(conditions.length);
    for (const [index, query] of queries.entries()) {
      expect(query.length).toBeLessThanOrEqual(maxQueryLength);
      expect(query).toContain(`(${conditions[index]})`);
      expect(parseQuery(query).source).toBe('devices.modules');
    }
    const room = maxQueryLength - (queries[0] ?? '').replace(conditions[0] ?? '', '').length;
    expect(conditions.length).toBe(Math.ceil(conditions.join(' OR ').length / room));

    expect(meetsAny(conditions, { properties: { desired: baselineOf(policy) } })).toBe(false);
    for (const key of Object.keys(desired)) {
      const broken = mergePatch(baselineOf(policy), { [key]: { value: 'other' } });
      expect(meetsAny(conditions, { properties: { desired: broken } })).toBe(true);
    }
  });
});

describe('a reason for a walk', () => {
  it.each<[string, Partial<PolicyDefinition>, string]>([
    ['an object', { desired: { a: { b: exactly({ c: 1 }) } } }, 'desired.a.b wants an object or a list'],
    ['a list among strings', { desired: { a: oneOf(['x', ['y']], { otherwise: 'x' }) } }, 'desired.a wants an object'],
    ['a key with brackets', { desired: { 'a[0]': 1 } }, 'desired.a[0] has a key that a query cannot write'],
    ['a string that fills a query', { desired: { a: "'".repeat(4096) } }, 'desired.a is too long for a query'],
    [
      'a pattern that a query cannot test',
      { desired: { a: matches('a*a', { otherwise: 'aa' }) } },
      'desired.a has a pattern that a query cannot test',
    ],
    ['an evaluate function', { evaluate: () => [] }, 'it has an evaluate function'],
    [
      'an object that the agent should report',
      { desired: { a: byDefault({ b: 1 }) }, reported: { mirrors: true } },
      'desired.a holds an object or a list, which a query cannot compare with the reported value',
    ],
    [
      'an object that marks a failure',
      { reported: { failure: { path: 'state', value: ['failed'] } } },
      'reported.state marks a failure with a value that a query cannot compare',
    ],
  ])('names the policy and the path: %s', (_, definition, reason) => {
    const { walkReason } = compileRules(policyOf(definition));
    expect(walkReason).toContain('the policy test');
    expect(walkReason).toContain(reason);
  });

  it('leaves the conditions of the other rules in place', () => {
    const { conditions, walkReason } = compileRules(policyOf({ desired: { a: exactly([]), 'b[': 1, c: 1, d: true } }));
    expect(conditions).toHaveLength(1);
    expect(conditions[0]).toContain('properties.desired.c != 1');
    expect(walkReason).toBe(
      'Queries cannot find all departures from the policy test: desired.a wants an object or a list, which a query cannot compare; ' +
        'desired.b[ has a key that a query cannot write.',
    );
  });

  it('names three limitations and the number of others', () => {
    const desired = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((key) => [key, exactly([])]));
    expect(compileRules(policyOf({ desired })).walkReason).toMatch(/desired\.c [^;]+; and 2 more\.$/);
  });
});
