import type { Json } from '../twin/index.ts';

/** Marks what the functions below return, so that a rule is never mistaken for a nested section of properties. */
const ruleMark: unique symbol = Symbol.for('twinkeeper.rule');

/** What one desired property must be. Made by {@link exactly}, {@link byDefault}, {@link oneOf}, {@link between} and {@link absent}. */
export type Rule = { readonly [ruleMark]: true } & RuleContent;

export type RuleContent =
  | { readonly rule: 'exactly'; readonly value: Json }
  | { readonly rule: 'byDefault'; readonly value: Json }
  | { readonly rule: 'oneOf'; readonly values: readonly Json[]; readonly otherwise: Json }
  | { readonly rule: 'between'; readonly min: number; readonly max: number; readonly otherwise: number }
  | { readonly rule: 'absent' };

/** The value a rule puts in place of one that breaks it. */
export interface Otherwise<T> {
  readonly otherwise: T;
}

function mark(content: RuleContent): Rule {
  return { [ruleMark]: true, ...content };
}

export function isRule(value: unknown): value is Rule {
  return typeof value === 'object' && value !== null && (value as { [ruleMark]?: unknown })[ruleMark] === true;
}

/** The property must be there with this very value; anything else is set back to it. An object is compared whole, extra keys included. */
export function exactly(value: Json): Rule {
  return mark({ rule: 'exactly', value });
}

/** Set when the property is missing; any value it has is left alone. */
export function byDefault(value: Json): Rule {
  return mark({ rule: 'byDefault', value });
}

/** The property must hold one of `values`; when missing or different it is set to `otherwise`, itself one of them. */
export function oneOf(values: readonly Json[], { otherwise }: Otherwise<Json>): Rule {
  return mark({ rule: 'oneOf', values, otherwise });
}

/** The property must be a number from `min` to `max`, both included; when missing or different it is set to `otherwise`. */
export function between(min: number, max: number, { otherwise }: Otherwise<number>): Rule {
  return mark({ rule: 'between', min, max, otherwise });
}

/** The property must not be there; it is removed when it is. */
export function absent(): Rule {
  return mark({ rule: 'absent' });
}
