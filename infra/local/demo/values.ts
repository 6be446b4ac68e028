/** Values that break a rule of a policy, or that the rule allows. Pure functions. */
import { checkValue, type RuleContent, repairValue } from '../../../shared/policy/index.ts';
import type { Json } from '../../../shared/twin/index.ts';
import type { Random } from './random.ts';

/** A value that breaks the rule and has the type of the value that the rule wants. `undefined` when there is no such value. */
export function wrongValue(rule: RuleContent, random: Random): Json | undefined {
  const wanted = repairValue(rule);
  return random.shuffle(sameType(wanted, random)).find((value) => checkValue(rule, value) === 'wrongValue');
}

function sameType(wanted: Json | undefined, random: Random): readonly Json[] {
  if (typeof wanted === 'boolean') return [!wanted];
  if (typeof wanted === 'number') return [wanted + 1 + random.below(1_000_000), -wanted - 1 - random.below(1000), 0.5];
  if (typeof wanted === 'string')
    return [`${wanted}-${random.below(1000)}`, 'Off', 'Sometimes', `é "${random.below(10)}" \\ <&>`];
  return [];
}

/** A value that breaks the rule and has another type than the value that the rule wants. `undefined` when there is no such value. */
export function wrongType(rule: RuleContent, random: Random): Json | undefined {
  const wanted = repairValue(rule);
  const values: readonly Json[] = ['yes', 42, true, { nested: { value: 'High' } }, ['Low', 1], {}];
  return random
    .shuffle(values)
    .find((value) => typeof value !== typeof wanted && checkValue(rule, value) === 'wrongValue');
}

/** A value that the rule allows. `undefined` when the rule forbids the property. */
export function rightValue(rule: RuleContent, random: Random): Json | undefined {
  switch (rule.rule) {
    case 'atLeast':
      return rule.min + random.below(1000);
    case 'atMost':
      return rule.max - random.below(1000);
    case 'matches':
    case 'duration':
      return rule.otherwise;
    case 'optional':
      return rightValue(rule.inner, random);
    case 'absent':
      return undefined;
    case 'oneOf':
      return random.pick(rule.values);
    case 'between':
      return rule.min + random.below(Math.floor(rule.max - rule.min) + 1);
    case 'exactly':
    case 'byDefault':
      return rule.value;
  }
}
