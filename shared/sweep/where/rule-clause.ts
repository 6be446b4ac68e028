import type { OwnedProperty, Rule } from '../../policy/index.ts';
import { writeLiteral, writePath } from '../../query/index.ts';
import type { Json } from '../../twin/index.ts';

/** A rule as a query condition. Where a query cannot express the whole rule, `limitation` contains the reason. */
export interface CompiledRule {
  /**
   * The condition. Every twin that meets it breaks the rule. Without a `limitation`, every twin that breaks the rule also meets it. May
   * contain `OR` at its top level, but not `AND`. Absent where a query cannot express any part of the rule.
   */
  readonly text?: string;
  /** Why a query cannot express the whole rule. The text continues a sentence that starts with the property's path. */
  readonly limitation?: string;
}

type Primitive = string | number | boolean;
type TypeName = 'string' | 'number' | 'boolean';

/** Functions of the query language that test the type of a JSON value. Each function returns false for a missing property. */
export const typeTests = { string: 'IS_STRING', number: 'IS_NUMBER', boolean: 'IS_BOOL' } as const;

export const unwritableKey = 'has a key that a query cannot write';

/** Compiles the rule of an owned property to a query condition. Twins that break the rule meet the condition. */
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

/** Returns the type of all values that a rule accepts. Returns `undefined` where the values have several types or are not primitive. */
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
 * Writes a condition for a property that has none of these values. If two values have different types, the query language defines neither
 * their comparison nor its negation. So the condition tests the type before it compares the values.
 */
function isNoneOf(path: string, values: readonly Primitive[]): string {
  const byType = [...Map.groupBy(new Set(values), typeOf)];
  const texts = byType.map(([type, ofType]) => {
    const test = `NOT ${typeTests[type]}(${path})`;
    if (type === 'boolean' && ofType.length === 2) return test;
    const [first = '', ...others] = ofType.map(literal);
    // The query language does not allow a list with only one value.
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
