import { describe, expect, it } from 'vitest';
import { absent, byDefault, exactly, type PolicyDefinition } from '../../../shared/policy/index.ts';
import { areDisjoint, toScopeMatcher } from '../../../shared/policy/scope.ts';
import type { Json } from '../../../shared/twin/index.ts';
import { fc, jsonObject } from '../../support/arbitraries.ts';
import { faultsOf } from './faults-of.ts';

describe('two policies', () => {
  const one = { name: 'one', module: 'm', desired: { a: exactly(1), s: { x: true } } };

  it.each<[string, object, boolean]>([
    ['with the same rule', { desired: { a: 1 } }, false],
    ['with the same rule, once in JSON form', { desired: { a: { $exactly: 1 } } }, false],
    ['with different values', { desired: { a: 2 } }, true],
    ['with a value and a default', { desired: { a: byDefault(1) } }, true],
    ['with a value and absent()', { desired: { a: absent() } }, true],
    ['with paths of which the second contains the first', { desired: { s: exactly({ x: true }) } }, true],
    ['with paths of which the first contains the second', { desired: { a: { deep: 1 } } }, true],
    ['with different paths', { desired: { b: 2, s: { y: true } } }, false],
    ['with different modules', { module: 'n', desired: { a: 2 } }, false],
  ])('%s are checked for conflicts', (_, other, conflict) => {
    const faults = faultsOf(one, { name: 'two', module: 'm', ...other });
    expect(faults.length > 0).toBe(conflict);
    for (const fault of faults) expect(fault).toMatch(/^two at desired\.\S+: wants .* but the policy one wants /);
  });

  it.each<[string, PolicyDefinition['appliesTo'], PolicyDefinition['appliesTo'], boolean]>([
    ['one with edge true and one with edge false', { edge: true }, { edge: false }, true],
    ['one with edge true and one without edge', { edge: true }, {}, false],
    ['two values of one tag', { tags: { env: 'test' } }, { tags: { env: 'production' } }, true],
    ['two values of a deep tag', { tags: { site: { hall: 1 } } }, { tags: { site: { hall: 2 } } }, true],
    ['an object and a value of one tag', { tags: { site: { hall: 1 } } }, { tags: { site: 'x' } }, true],
    ['different tags', { tags: { env: 'test' } }, { tags: { site: 'x' } }, false],
    ['a function', () => true, { edge: false }, false],
    ['no scope', undefined, { edge: false }, false],
  ])('are checked for conflicts when their scopes are: %s', (_, left, right, disjoint) => {
    expect(areDisjoint(left, right)).toBe(disjoint);
    expect(areDisjoint(right, left)).toBe(disjoint);
    const scoped = (appliesTo: PolicyDefinition['appliesTo']) => (appliesTo === undefined ? {} : { appliesTo });
    const faults = faultsOf(
      { ...one, ...scoped(left) },
      { name: 'two', module: 'm', desired: { a: 2 }, ...scoped(right) },
    );
    expect(faults.length).toBe(disjoint ? 0 : 1);
  });

  it('with disjoint scopes never apply to the same device', () => {
    const tags = fc.oneof(
      jsonObject,
      fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom<Json>(1, 2, { c: 1 }, {}), { maxKeys: 2 }),
    );
    const scopes = fc.record({ tags, edge: fc.boolean() }, { requiredKeys: [] });
    fc.assert(
      fc.property(scopes, scopes, tags, fc.boolean(), (left, right, deviceTags, edge) => {
        const device = { deviceId: 'd', tags: deviceTags, edge };
        if (areDisjoint(left, right))
          expect(toScopeMatcher(left).matches(device) && toScopeMatcher(right).matches(device)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});
