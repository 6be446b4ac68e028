import { type Json, jsonEquals } from '../twin/index.ts';
import type { RuleContent } from './rules.ts';

/** The way in which the value of a property breaks a rule. */
export type RuleBreach = 'missingProperty' | 'wrongValue' | 'forbiddenProperty';

/**
 * Checks the value of a property against the rule for that property. Returns how the value breaks the rule, or `undefined` when the value
 * is allowed. Pass `undefined` as `actual` for a missing property.
 */
export function checkValue(rule: RuleContent, actual: Json | undefined): RuleBreach | undefined {
  if (rule.rule === 'absent') return actual === undefined ? undefined : 'forbiddenProperty';
  if (actual === undefined) return 'missingProperty';
  return isAllowed(rule, actual) ? undefined : 'wrongValue';
}

function isAllowed(rule: Exclude<RuleContent, { rule: 'absent' }>, actual: Json): boolean {
  switch (rule.rule) {
    case 'exactly':
      return jsonEquals(actual, rule.value);
    case 'byDefault':
      return true;
    case 'oneOf':
      return rule.values.some((value) => jsonEquals(actual, value));
    case 'between':
      return typeof actual === 'number' && actual >= rule.min && actual <= rule.max;
  }
}

/** The value that a repair writes when a property breaks the rule. `undefined` means that the repair removes the property. */
export function repairValue(rule: RuleContent): Json | undefined {
  switch (rule.rule) {
    case 'absent':
      return undefined;
    case 'exactly':
    case 'byDefault':
      return rule.value;
    case 'oneOf':
    case 'between':
      return rule.otherwise;
  }
}
