import type { Json } from '../twin/index.ts';

/** A symbol that is a key of every rule. An object without this key is not a rule, but contains further properties. */
const ruleMark: unique symbol = Symbol.for('twinkeeper.rule');

/**
 * The rule for one desired property. Use {@link exactly}, {@link byDefault}, {@link oneOf}, {@link between}, {@link atLeast},
 * {@link atMost}, {@link matches}, {@link duration}, {@link optional} or {@link absent}.
 */
export type Rule = { readonly [ruleMark]: true } & RuleContent;

/** A rule about the value of a property that exists. */
export type ValueRule =
  | { readonly rule: 'exactly'; readonly value: Json }
  | { readonly rule: 'byDefault'; readonly value: Json }
  | { readonly rule: 'oneOf'; readonly values: readonly Json[]; readonly otherwise: Json }
  | { readonly rule: 'between'; readonly min: number; readonly max: number; readonly otherwise: number }
  | { readonly rule: 'atLeast'; readonly min: number; readonly otherwise: number }
  | { readonly rule: 'atMost'; readonly max: number; readonly otherwise: number }
  | { readonly rule: 'matches'; readonly pattern: string; readonly otherwise: string }
  | ({ readonly rule: 'duration'; readonly otherwise: string } & DurationBounds);

export type RuleContent =
  | ValueRule
  | { readonly rule: 'optional'; readonly inner: ValueRule }
  | { readonly rule: 'absent' };

/** The shortest and the longest duration that a rule allows, as ISO 8601 durations such as `PT1H`. Both are included. */
export interface DurationBounds {
  readonly atLeast?: string;
  readonly atMost?: string;
}

/** The option of a rule for the value that a repair writes when the property breaks the rule. */
export interface Otherwise<T> {
  readonly otherwise: T;
}

const ruleNames: ReadonlySet<unknown> = new Set<RuleContent['rule']>([
  ...([
    'exactly',
    'byDefault',
    'oneOf',
    'between',
    'atLeast',
    'atMost',
    'matches',
    'duration',
    'optional',
    'absent',
  ] as const),
]);

function mark(content: RuleContent): Rule {
  return { [ruleMark]: true, ...content };
}

/** A rule that was stored as JSON and has lost its mark. `undefined` when the object is no rule. */
export function asRule(content: { readonly [key: string]: Json }): Rule | undefined {
  return ruleNames.has(content.rule) ? mark(content as unknown as RuleContent) : undefined;
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

/**
 * The rule that a property must be a number of `min` or more. A repair writes `otherwise` when the property is missing or has another
 * value. Default of `otherwise`: `min`.
 */
export function atLeast(min: number, { otherwise }: Otherwise<number> = { otherwise: min }): Rule {
  return mark({ rule: 'atLeast', min, otherwise });
}

/**
 * The rule that a property must be a number of `max` or less. A repair writes `otherwise` when the property is missing or has another
 * value. Default of `otherwise`: `max`.
 */
export function atMost(max: number, { otherwise }: Otherwise<number> = { otherwise: max }): Rule {
  return mark({ rule: 'atMost', max, otherwise });
}

/**
 * The rule that a property must be a text that matches a pattern. `*` in the pattern matches any number of any characters, and `\*` matches
 * an asterisk. A repair writes `otherwise` when the property is missing or has another value. `otherwise` must match the pattern.
 */
export function matches(pattern: string, { otherwise }: Otherwise<string>): Rule {
  return mark({ rule: 'matches', pattern, otherwise });
}

/**
 * The rule that a property must be an ISO 8601 duration of a certain length: `PT1H` means one hour in any spelling, also `PT60M`. With
 * bounds such as `{ atMost: 'PT1H' }`, the rule allows a range of lengths. A repair writes `otherwise` when the property is missing or has
 * another value. Default of `otherwise`: the only length or the only bound.
 */
export function duration(length: string | DurationBounds, options?: Otherwise<string>): Rule {
  const bounds = typeof length === 'string' ? { atLeast: length, atMost: length } : length;
  const only = typeof length === 'string' || length?.atMost === undefined ? bounds?.atLeast : bounds.atMost;
  const hasOneBound = typeof length === 'string' || length?.atLeast === undefined || length.atMost === undefined;
  const otherwise = options?.otherwise ?? (hasOneBound ? only : undefined);
  // A missing `otherwise` is reported when the policy is validated.
  return mark({ rule: 'duration', ...bounds, otherwise: otherwise as string });
}

/**
 * The rule that a property may be missing. An existing property must follow the given rule. A repair replaces a wrong value, but does not
 * add a missing property. A plain value means `exactly(value)`.
 */
export function optional(rule: Rule | Json): Rule {
  // A rule that cannot be optional is reported when the policy is validated.
  const inner = isRule(rule) ? rule : exactly(rule);
  return mark({ rule: 'optional', inner: inner as ValueRule });
}

/** The rule that a property must not exist. A repair removes the property. */
export function absent(): Rule {
  return mark({ rule: 'absent' });
}
