import type { OwnedProperty, Rule } from '../../policy/index.ts';
import { writeLiteral, writePath } from '../../query/index.ts';
import type { Json } from '../../twin/index.ts';

/** What can be said of a property in a query, and why that is not all where it is not. */
export interface Compiled {
  /** True of what is out of line, and of nothing else; without it nothing can be said. `OR` on its top level at most. */
  readonly text?: string;
  /** What a query cannot say, in words that follow the property's path. */
  readonly beyond?: string;
}

type Primitive = string | number | boolean;
type TypeName = 'string' | 'number' | 'boolean';

/** The language's test for a JSON type. A missing property is of none. */
export const typeTests = { string: 'IS_STRING', number: 'IS_NUMBER', boolean: 'IS_BOOL' } as const;

export const unwritable = 'has a key that a query cannot write';

/** A condition that a twin meets when its owned property breaks its rule. */
export function compileRule({ path, rule }: OwnedProperty): Compiled {
  const written = writePath(['properties', 'desired', ...path]);
  if (written === undefined) return { beyond: unwritable };
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
        : { text: `NOT IS_DEFINED(${written})`, beyond: 'wants an object or a list, which a query cannot compare' };
    }
  }
}

/** The one type that all values which keep to a rule have, if it is a primitive one. */
export function typeWanted(rule: Rule): TypeName | undefined {
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
 * True of a property with none of these values. A comparison across types is undefined, and `NOT` of it too, so each type is tested for
 * before its values are compared.
 */
function isNoneOf(path: string, values: readonly Primitive[]): string {
  const byType = [...Map.groupBy(new Set(values), typeOf)];
  const texts = byType.map(([type, its]) => {
    const test = `NOT ${typeTests[type]}(${path})`;
    if (type === 'boolean' && its.length === 2) return test;
    const [first = '', ...others] = its.map(literal);
    // The language's grammar has no list of one.
    return others.length === 0 ? `${test} OR ${path} != ${first}` : `${test} OR ${path} NIN [${first},${others}]`;
  });
  return texts.length === 1 ? texts.join() : `(${texts.map((text) => `(${text})`).join(' AND ')})`;
}

function typeOf(value: Primitive): TypeName {
  return typeof value as TypeName;
}

function literal(value: Primitive): string {
  const written = writeLiteral(value);
  if (written === undefined) throw new RangeError(`${value} cannot be written in a query: no twin can hold it.`);
  return written;
}
