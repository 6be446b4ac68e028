import { describe, expect, it } from 'vitest';
import { areDisjoint } from '../../../shared/policy/disjoint-scopes.ts';
import { absent, byDefault, exactly, type PolicyDefinition } from '../../../shared/policy/index.ts';
import { toScopeMatcher } from '../../../shared/policy/scope.ts';
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
    ['lists without a common value', { tags: { env: ['a', 'b'] } }, { tags: { env: ['c', 'd'] } }, true],
    ['lists with a common value', { tags: { env: ['a', 'b'] } }, { tags: { env: ['b', 'c'] } }, false],
    ['different ids', { deviceId: ['a', 'b'] }, { deviceId: 'c' }, true],
    ['an id and a pattern', { deviceId: ['a1', 'b'] }, { deviceId: 'a*' }, false],
    ['patterns with different beginnings', { deviceId: 'plant-*' }, { deviceId: 'lab-*' }, true],
    ['patterns with different ends', { deviceId: '*-eu' }, { deviceId: ['*-us', '*-asia'] }, true],
    ['a scope and the rest', { tags: { env: 'test' } }, { not: { tags: { env: ['test', 'lab'] } } }, true],
    [
      'a scope and a part of the rest',
      { tags: { env: ['test', 'x'] } },
      { not: { tags: { env: ['test', 'lab'] } } },
      false,
    ],
    ['a pattern and the rest', { deviceId: 'plant-1*' }, { not: [{ edge: true }, { deviceId: 'plant-*' }] }, true],
    ['two scopes that leave out the same', { not: { edge: true } }, { not: { edge: true } }, false],
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
    const wanted = fc.dictionary(
      fc.constantFrom('a', 'b'),
      fc.oneof(fc.constantFrom<Json>(1, { c: 1 }), fc.constant([1, 2])),
      {
        maxKeys: 2,
      },
    );
    const ids = fc.oneof(fc.constantFrom('d*', '*d', 'd1', 'x', '*'), fc.constant(['d1', 'x*']));
    const parts = fc.record({ tags: wanted, edge: fc.boolean(), deviceId: ids }, { requiredKeys: [] });
    const scopes = fc.record({ tags: wanted, edge: fc.boolean(), deviceId: ids, not: parts }, { requiredKeys: [] });
    const deviceIds = fc.constantFrom('d', 'd1', 'x', 'x1', 'd\u0000');
    fc.assert(
      fc.property(scopes, scopes, tags, fc.boolean(), deviceIds, (left, right, deviceTags, edge, deviceId) => {
        const device = { deviceId, tags: deviceTags, edge };
        if (areDisjoint(left, right))
          expect(toScopeMatcher(left).matches(device) && toScopeMatcher(right).matches(device)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });
});
