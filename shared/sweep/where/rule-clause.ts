import type { OwnedProperty, Rule } from '../../policy/index.ts';
import { writeLiteral, writePath } from '../../query/index.ts';
import type { Json } from '../../twin/index.ts';

/** A rule as a condition. Where a query cannot express all of the rule, `limitation` says why. */
export interface CompiledRule {
  /**
   * True only for twins that break the rule, and for all of them unless there is a `limitation`. May contain `OR` at its top level, but
   * not `AND`. Absent where a query can express nothing of the rule.
   */
  readonly text?: string;
  /** Why a query cannot express all of the rule. Reads on after the property's path. */
  readonly limitation?: string;
}

type Primitive = string | number | boolean;
type TypeName = 'string' | 'number' | 'boolean';

/** The query language's test for each JSON type. All tests are false for a missing property. */
export const typeTests = { string: 'IS_STRING', number: 'IS_NUMBER', boolean: 'IS_BOOL' } as const;

export const unwritableKey = 'has a key that a query cannot write';

/** Compiles the rule of an owned property to a condition for twins that break the rule. */
export function compileRule({ path, rule }: OwnedProperty): CompiledRule {
  const written = writePath(['properties', 'desired', ...path]);
  if (written === undefined) return { limitation: unwritableKey };
  switch (rule.rule) {
    case 'absent':
      return { text: `IS_DEFINED(${written})` };
    case 'byDefault':
      return { text: `NOT IS_DEFINED(${written})` };
    case 'between':
      return {
        text: `NOT IS_NUMBER(${written}) OR ${written} < ${literal(rule.min)} OR ${written} > ${literal(rule.max)}`,
      };
    case 'exactly':
    case 'oneOf': {
      const values = wantedValues(rule);
      return values.every(isPrimitive)
        ? { text: isNoneOf(written, values) }
        : { text: `NOT IS_DEFINED(${written})`, limitation: 'wants an object or a list, which a query cannot compare' };
    }
  }
}

/** The type of all values that a rule accepts, where there is only one and it is primitive. */
export function wantedType(rule: Rule): TypeName | undefined {
  if (rule.rule === 'between') return 'number';
  if (rule.rule !== 'exactly' && rule.rule !== 'oneOf') return undefined;
  const values = wantedValues(rule);
  const [first] = values;
  return first !== undefined && isPrimitive(first) && values.every((value) => typeof value === typeof first)
    ? typeOf(first)
    : undefined;
}

export function isPrimitive(value: Json): value is Primitive {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function wantedValues(rule: Extract<Rule, { rule: 'exactly' | 'oneOf' }>): readonly Json[] {
  return rule.rule === 'exactly' ? [rule.value] : rule.values;
}

/**
 * A condition for a property that has none of these values. The query language leaves a comparison of different types undefined, and its
 * negation too. So the condition tests the type before it compares the values.
 */
function isNoneOf(path: string, values: readonly Primitive[]): string {
  const byType = [...Map.groupBy(new Set(values), typeOf)];
  const texts = byType.map(([type, ofType]) => {
    const test = `NOT ${typeTests[type]}(${path})`;
    if (type === 'boolean' && ofType.length === 2) return test;
    const [first = '', ...others] = ofType.map(literal);
    // The grammar of the query language allows no list with one value.
    return others.length === 0 ? `${test} OR ${path} != ${first}` : `${test} OR ${path} NIN [${first},${others}]`;
  });
  return texts.length === 1 ? texts.join() : `(${texts.map((text) => `(${text})`).join(' AND ')})`;
}

function typeOf(value: Primitive): TypeName {
  return typeof value as TypeName;
}

function literal(value: Primitive): string {
  const written = writeLiteral(value);
  if (written === undefined) {
    throw new RangeError(`The value ${value} cannot be written in a query: no twin can hold it.`);
  }
  return written;
}
