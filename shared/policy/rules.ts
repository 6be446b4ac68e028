import type { Json } from '../twin/index.ts';

/** The key that tells a rule from a nested section of properties. */
const ruleMark: unique symbol = Symbol.for('twinkeeper.rule');

/** The rule for one desired property. Use {@link exactly}, {@link byDefault}, {@link oneOf}, {@link between} or {@link absent}. */
export type Rule = { readonly [ruleMark]: true } & RuleContent;

export type RuleContent =
  | { readonly rule: 'exactly'; readonly value: Json }
  | { readonly rule: 'byDefault'; readonly value: Json }
  | { readonly rule: 'oneOf'; readonly values: readonly Json[]; readonly otherwise: Json }
  | { readonly rule: 'between'; readonly min: number; readonly max: number; readonly otherwise: number }
  | { readonly rule: 'absent' };

/** The value that a rule sets when the property breaks the rule. */
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
 * The property must have this value. A missing property or another value is set to it. An object with additional keys counts as another
 * value.
 */
export function exactly(value: Json): Rule {
  return mark({ rule: 'exactly', value });
}

/** The property is set to this value when it is missing. An existing value stays, whatever it is. */
export function byDefault(value: Json): Rule {
  return mark({ rule: 'byDefault', value });
}

/** The property must have one of `values`. A missing property or another value is set to `otherwise`, which must be one of `values`. */
export function oneOf(values: readonly Json[], { otherwise }: Otherwise<Json>): Rule {
  return mark({ rule: 'oneOf', values, otherwise });
}

/**
 * The property must be a number from `min` to `max`, inclusive. A missing property or another value is set to `otherwise`, which must
 * be in that range.
 */
export function between(min: number, max: number, { otherwise }: Otherwise<number>): Rule {
  return mark({ rule: 'between', min, max, otherwise });
}

/** The property must not exist. An existing property is removed. */
export function absent(): Rule {
  return mark({ rule: 'absent' });
}
