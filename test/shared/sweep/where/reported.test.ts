import { describe, expect, it } from 'vitest';
import { absent, type Policy } from '../../../../shared/policy/index.ts';
import { brokenRules } from '../../../../shared/reconcile/departures.ts';
import { notReported } from '../../../../shared/reconcile/not-reported.ts';
import { brokenModulesQueries, compileReported, compileRules } from '../../../../shared/sweep/where/index.ts';
import { getAt, type JsonObject } from '../../../../shared/twin/index.ts';
import { fc } from '../../../support/arbitraries.ts';
import { meetsAny, policyOf, policyWithTwin, selects } from './policy-and-twin.ts';

const now = '2026-02-03T04:05:06Z';

describe('the conditions for expected reports', () => {
  const policies = fc
    .tuple(policyWithTwin({ objects: false }), fc.boolean(), fc.boolean())
    .map(([{ policy, document, twin }, mirrors, failure]) => ({
      document,
      twin,
      policy: {
        ...policy,
        reported: {
          mirrors,
          graceMinutes: 0,
          ...(failure ? { failure: { path: ['a'], value: 'x' } } : {}),
        },
      } satisfies Policy,
    }));

  it('match, with those for the rules, exactly the twins that break a rule or do not report as expected', () => {
    fc.assert(
      fc.property(policies, ({ policy, document, twin }) => {
        const found = brokenRules([policy], twin).length + notReported([policy], twin, now).length > 0;
        const { conditions, walkReason } = compileRules(policy);
        expect(walkReason).toBeUndefined();
        const isSelected = meetsAny([...conditions, ...compileReported(policy)], document);
        // A query cannot compare objects. Where an object replaces the default value, the query returns the twin even if the twin is
        // compliant.
        const isUnclear = policy.owned.some(
          ({ path, rule }) =>
            rule.rule === 'byDefault' &&
            typeof getAt(twin.desired.properties, path) === 'object' &&
            policy.reported.mirrors,
        );
        if (found || !isUnclear) expect(isSelected).toBe(found);
      }),
      { numRuns: 1500 },
    );
  });

  it('share the queries with the rules', () => {
    fc.assert(
      fc.property(policies, ({ policy, document }) => {
        const queries = brokenModulesQueries(policy);
        const conditions = [...compileRules(policy).conditions, ...compileReported(policy)];
        expect(queries.length).toBeLessThanOrEqual(conditions.length);
        expect(queries.some((query) => selects(query, document))).toBe(meetsAny(conditions, document));
      }),
    );
  });

  it('are empty where the policy expects no report', () => {
    expect(compileReported(policyOf({ desired: { a: 1 } }))).toEqual([]);
  });

  it('leave out a property that must be absent', () => {
    const policy = policyOf({ desired: { a: absent(), b: 1 }, reported: { mirrors: true } });
    expect(compileReported(policy).join()).not.toContain('properties.reported.a');
  });

  it('match only twins that report another value', () => {
    const policy = policyOf({ desired: { a: { b: 1, c: 'x' } }, reported: { mirrors: true } });
    const [condition = '', ...others] = compileReported(policy);
    expect(others).toEqual([]);
    const document = (reported: JsonObject) => ({ properties: { desired: { a: { b: 1, c: 'x' } }, reported } });
    expect(meetsAny([condition], document({}))).toBe(false);
    expect(meetsAny([condition], document({ a: { b: 1, c: 'x' } }))).toBe(false);
    expect(meetsAny([condition], document({ a: {} }))).toBe(false);
    expect(meetsAny([condition], document({ a: { c: 'x' } }))).toBe(false);
    expect(meetsAny([condition], document({ a: { b: 1, c: 'y' } }))).toBe(true);
    expect(meetsAny([condition], document({ a: { b: '1', c: 'x' } }))).toBe(true);
  });
});
