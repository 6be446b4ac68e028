import { describe, expect, it } from 'vitest';
import {
  between,
  definePolicy,
  matches,
  type PolicyDefinition,
  policiesHash,
  policyHash,
  toPolicySet,
} from '../../../shared/policy/index.ts';

const base: PolicyDefinition = {
  name: 'agent',
  module: 'Agent',
  appliesTo: { tags: { site: 'a' }, edge: false },
  desired: { b: between(1, 5, { otherwise: 3 }), a: { c: 'x', d: matches('e*', { otherwise: 'e' }) } },
};
const hashOf = (definition: PolicyDefinition, mode: 'enforce' | 'audit' = 'enforce') =>
  toPolicySet([definition], { mode }).all.map(policyHash)[0];

describe("a policy's hash", () => {
  it('is the same for the same definition, in any order of keys, and in any mode of the app', () => {
    const { desired, name, ...rest } = base;
    const { a, b } = desired as Record<string, never>;
    const other = definePolicy({ desired: { a, b } as never, ...rest, name });
    expect(hashOf(other)).toBe(hashOf(base));
    expect(hashOf(base, 'audit')).toBe(hashOf(base));
    expect(hashOf({ ...base, description: 'in other words' })).toBe(hashOf(base));
    expect(hashOf(base)).toMatch(/^[\w-]{16}$/);
  });

  it.each<[string, Partial<PolicyDefinition>]>([
    ['name', { name: 'other' }],
    ['mode', { mode: 'audit' }],
    ['scope', { appliesTo: { tags: { site: 'b' }, edge: false } }],
    ['rules', { desired: { b: between(1, 6, { otherwise: 3 }) } }],
    ['creation of modules', { createModule: true }],
    ['function', { evaluate: () => [] }],
  ])('is another one for another %s', (_, change) => {
    expect(hashOf({ ...base, ...change })).not.toBe(hashOf(base));
  });

  it('differs for functions with different code', () => {
    const one = { ...base, evaluate: () => [] };
    const two = { ...base, evaluate: () => [{ path: '' }] };
    expect(hashOf(one)).not.toBe(hashOf(two));
  });
});

describe('the hash of all policies', () => {
  it('does not depend on their order', () => {
    const other: PolicyDefinition = { name: 'other', module: 'Other', desired: { a: 1 } };
    const hash = (...definitions: PolicyDefinition[]) =>
      policiesHash(toPolicySet(definitions, { mode: 'enforce' }).all);
    expect(hash(base, other)).toBe(hash(other, base));
    expect(hash(base)).not.toBe(hash(base, other));
    expect(hash()).toMatch(/^[\w-]{16}$/);
  });
});
