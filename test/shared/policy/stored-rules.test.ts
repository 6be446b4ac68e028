import { describe, expect, it } from 'vitest';
import {
  absent,
  atLeast,
  byDefault,
  definePolicy,
  definitionText,
  duration,
  oneOf,
  optional,
  storedRules,
  toPolicySet,
} from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { policies } from '../../support/fixture-policies.ts';

const everything = definePolicy({
  name: 'everything',
  module: 'm',
  desired: {
    plain: 1,
    list: [1, 2],
    section: { inner: oneOf(['a', 'b'], { otherwise: 'a' }), json: { $atMost: 5 } },
    least: atLeast(3),
    usual: byDefault({ rule: 'x' }),
    long: duration({ atMost: 'PT1H' }),
    maybe: optional(7),
    never: absent(),
  } as never,
});

describe('the rules of a stored definition', () => {
  it('are those of the policy itself', () => {
    for (const policy of toPolicySet([everything, ...policies], { mode: 'enforce' }).all) {
      const stored = JSON.parse(definitionText(policy)) as JsonObject;
      const read = storedRules(stored).map(({ text, rule }) => [text, JSON.stringify(rule, sorted)]);
      const own = policy.owned.map(({ text, rule }) => [text, JSON.stringify(rule, sorted)]);
      expect(read.toSorted()).toEqual(own.toSorted());
    }
  });

  it('are none where the definition has none', () => {
    expect(storedRules({ name: 'x' })).toEqual([]);
    expect(storedRules({ name: 'x', desired: null })).toEqual([]);
  });
});

/** Sorts the keys of each object, because a stored definition has sorted keys. */
function sorted(_: string, value: unknown) {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}
