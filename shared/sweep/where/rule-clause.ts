import {
  globPieces,
  type OwnedProperty,
  type RuleContent,
  usualDurations,
  type ValueRule,
} from '../../policy/index.ts';
import { writeLiteral, writePath } from '../../query/index.ts';
import type { Json } from '../../twin/index.ts';
import { type Dialect, isNotOfType, type TypeName } from './dialect.ts';
import { isExact, patternTests } from './pattern-tests.ts';

/** A rule as a query condition. Where a query cannot express the whole rule, `limitation` contains the reason. */
export interface CompiledRule {
  /**
   * The condition. Without a `limitation`, every twin that breaks the rule meets the condition. Every twin that meets the condition breaks
   * the rule, except for the rule `duration`: a query cannot read a duration, so a twin with an unusual duration meets the condition too. May
   * contain `OR` at its top level, but not `AND`. Absent where a query cannot express any part of the rule.
   */
  readonly text?: string;
  /** A second condition that the twin must also meet. */
  readonly guard?: string;
  /** Why a query cannot express the whole rule. The text continues a sentence that starts with the property's path. */
  readonly limitation?: string;
}

type Primitive = string | number | boolean;

export const unwritableKey = 'has a key that a query cannot write';

/** Compiles the rule of an owned property to a query condition. Twins that break the rule meet the condition. */
export function compileRule({ path, rule }: OwnedProperty, dialect: Dialect): CompiledRule {
  const written = writePath(['properties', 'desired', ...path]);
  if (written === undefined) return { limitation: unwritableKey };
  switch (rule.rule) {
    case 'absent':
      return { text: `IS_DEFINED(${written})` };
    case 'optional': {
      const { text, limitation } = compileValueRule(rule.inner, written, dialect);
      if (limitation !== undefined || text === undefined) return { limitation: limitation ?? unwritableKey };
      return { text, guard: `IS_DEFINED(${written})` };
    }
    default:
      return compileValueRule(rule, written, dialect);
  }
}

/** Compiles a rule to a condition for the value at a path. A twin without the value meets the condition. */
function compileValueRule(rule: ValueRule, path: string, dialect: Dialect): Omit<CompiledRule, 'guard'> {
  const isNotNumber = isNotOfType(path, 'number', dialect);
  switch (rule.rule) {
    case 'byDefault':
      return { text: `NOT IS_DEFINED(${path})` };
    case 'between':
      return { text: `${isNotNumber} OR ${path} < ${literal(rule.min)} OR ${path} > ${literal(rule.max)}` };
    case 'atLeast':
      return { text: `${isNotNumber} OR ${path} < ${literal(rule.min)}` };
    case 'atMost':
      return { text: `${isNotNumber} OR ${path} > ${literal(rule.max)}` };
    case 'matches': {
      const pieces = globPieces(rule.pattern);
      const isNotString = isNotOfType(path, 'string', dialect);
      if (dialect === 'documented' || !isExact(pieces)) {
        return { text: isNotString, limitation: 'has a pattern that a query cannot test' };
      }
      const tests = patternTests(path, pieces).map((test) => `NOT ${test}`);
      return { text: [isNotString, ...tests].join(' OR ') };
    }
    case 'duration':
      return { text: isNoneOf(path, usualDurations(rule), dialect) };
    case 'exactly':
    case 'oneOf': {
      const values = wantedValues(rule);
      return values.every(isPrimitive)
        ? { text: isNoneOf(path, values, dialect) }
        : { text: `NOT IS_DEFINED(${path})`, limitation: 'wants an object or a list, which a query cannot compare' };
    }
  }
}

/** Returns the type of all values that a rule accepts. Returns `undefined` where the values have several types or are not primitive. */
export function wantedType(rule: RuleContent): TypeName | undefined {
  switch (rule.rule) {
    case 'optional':
      return wantedType(rule.inner);
    case 'between':
    case 'atLeast':
    case 'atMost':
      return 'number';
    case 'matches':
    case 'duration':
      return 'string';
    case 'absent':
    case 'byDefault':
      return undefined;
  }
  const values = wantedValues(rule);
  const [first] = values;
  return first !== undefined && isPrimitive(first) && values.every((value) => typeof value === typeof first)
    ? typeOf(first)
    : undefined;
}

export function isPrimitive(value: Json): value is Primitive {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function wantedValues(rule: Extract<ValueRule, { rule: 'exactly' | 'oneOf' }>): readonly Json[] {
  return rule.rule === 'exactly' ? [rule.value] : rule.values;
}

/**
 * Writes a condition for a property that has none of these values. If two values have different types, the query language defines neither
 * their comparison nor its negation. So the condition tests the type before it compares the values.
 */
export function isNoneOf(path: string, values: readonly Primitive[], dialect: Dialect): string {
  const byType = [...Map.groupBy(new Set(values), typeOf)];
  const texts = byType.map(([type, ofType]) => {
    const test = isNotOfType(path, type, dialect);
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
