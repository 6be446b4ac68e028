import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../shared/policy/index.ts';
import { planWith } from './custom-policy.ts';

describe('the findings of an evaluate function', () => {
  const find =
    (...findings: readonly Finding[]) =>
    () =>
      findings;

  it('with an expected value are repaired: the property is set or removed', () => {
    const { drifts, actions } = planWith(find({ path: 'a', expected: 2 }, { path: 's.b', expected: null }), {
      plain: 1,
      a: 1,
      s: { b: 1, c: 1 },
    });
    expect(drifts.map(({ kind, path, mode }) => [kind, path, mode])).toEqual([
      ['custom', 'a', 'enforce'],
      ['custom', 's.b', 'enforce'],
    ]);
    expect(actions).toMatchObject([{ patch: { a: 2, s: { b: null } } }]);
  });

  it.each<[string, Finding]>([
    ['without an expected value', { path: 'a', message: 'odd' }],
    ['about the whole twin', { path: '' }],
    ['whose expected value is there already', { path: 'a', expected: 1 }],
    ['that remove a missing property', { path: 'b', expected: null }],
  ])('%s are only recorded', (_, finding) => {
    const { drifts, actions } = planWith(find(finding), { plain: 1, a: 1 });
    expect(drifts).toMatchObject([{ kind: 'custom', path: finding.path, mode: 'audit' }]);
    expect(actions).toEqual([]);
  });

  it('that would change a property owned by a rule cause a policyError', () => {
    for (const path of ['plain', 'plain.deep']) {
      const { drifts, actions } = planWith(find({ path, expected: 2 }), { plain: 1 });
      expect(drifts).toMatchObject([
        { kind: 'policyError', message: `evaluate wants to change ${path}, which plain owns` },
      ]);
      expect(actions).toEqual([]);
    }
  });

  it('with overlapping paths cause a policyError', () => {
    const { drifts } = planWith(find({ path: 's', expected: { b: 1 } }, { path: 's.b', expected: 2 }), { plain: 1 });
    expect(drifts).toMatchObject([{ kind: 'policyError' }]);
  });

  it('are gone after the repair', () => {
    const evaluate = (twin: { desired: { properties: { a?: number } } }) =>
      (twin.desired.properties.a ?? 0) % 2 === 0 ? [] : [{ path: 'a', expected: 2 }];
    expect(planWith(evaluate, { plain: 1, a: 1 }).actions).toMatchObject([{ patch: { a: 2 } }]);
    expect(planWith(evaluate, { plain: 1, a: 2 })).toEqual({ drifts: [], actions: [] });
  });
});

describe('a scope function', () => {
  it('that throws causes a policyError for its policy only', () => {
    const appliesTo = () => {
      throw Object.create(null);
    };
    const { drifts, actions } = planWith(() => [], {}, { appliesTo });
    expect(drifts).toMatchObject([
      { policy: 'custom', kind: 'policyError', message: 'appliesTo threw a value that cannot be shown' },
      { policy: 'plain', kind: 'missingProperty' },
    ]);
    expect(actions).toHaveLength(1);
  });
});
