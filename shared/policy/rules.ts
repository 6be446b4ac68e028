import type { Json } from '../twin/index.ts';

/** A symbol that is a key of every rule. An object without this key is not a rule, but contains further properties. */
const ruleMark: unique symbol = Symbol.for('twinkeeper.rule');

/** The rule for one desired property. Use {@link exactly}, {@link byDefault}, {@link oneOf}, {@link between} or {@link absent}. */
export type Rule = { readonly [ruleMark]: true } & RuleContent;

export type RuleContent =
  | { readonly rule: 'exactly'; readonly value: Json }
  | { readonly rule: 'byDefault'; readonly value: Json }
  | { readonly rule: 'oneOf'; readonly values: readonly Json[]; readonly otherwise: Json }
  | { readonly rule: 'between'; readonly min: number; readonly max: number; readonly otherwise: number }
  | { readonly rule: 'absent' };

/** The option of a rule for the value that a repair writes when the property breaks the rule. */
export interface Otherwise<T> {
  readonly otherwise: T;
}

function mark(content: RuleContent): Rule {
  return { [ruleMark]: true, ...content };
}

export function isRule(value: unknown): value is Rule {
  return typeof value === 'object' && value !== null && (value as { [ruleMark]?: unknown })[ruleMark] === true;
}

/**
 * The rule that a property must have exactly this value. A repair writes the value when the property is missing or has another value. An
 * object with additional keys is another value.
 */
export function exactly(value: Json): Rule {
  return mark({ rule: 'exactly', value });
}

/** The rule that a property must exist. A repair writes this value when the property is missing. Any existing value is allowed. */
export function byDefault(value: Json): Rule {
  return mark({ rule: 'byDefault', value });
}

/**
 * The rule that a property must have one of `values`. A repair writes `otherwise` when the property is missing or has another value.
 * `otherwise` must be one of `values`.
 */
export function oneOf(values: readonly Json[], { otherwise }: Otherwise<Json>): Rule {
  return mark({ rule: 'oneOf', values, otherwise });
}

/**
 * The rule that a property must be a number from `min` to `max`, both included. A repair writes `otherwise` when the property is missing
 * or has another value. `otherwise` must be in the same range.
 */
export function between(min: number, max: number, { otherwise }: Otherwise<number>): Rule {
  return mark({ rule: 'between', min, max, otherwise });
}

/** The rule that a property must not exist. A repair removes the property. */
export function absent(): Rule {
  return mark({ rule: 'absent' });
}
