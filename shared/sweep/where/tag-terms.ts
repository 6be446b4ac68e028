import { tagOptions } from '../../policy/index.ts';
import { writeLiteral, writePath } from '../../query/index.ts';
import { isJsonObject, type Json, type JsonObject } from '../../twin/index.ts';
import type { Dialect } from './dialect.ts';
import { isNoneOf, isPrimitive } from './rule-clause.ts';
import { anyOf, type Term } from './term.ts';

/** Returns the terms for wanted tags. If a value is not primitive, the query can only test that the tag exists. */
export function tagTerms(path: readonly string[], wanted: JsonObject, dialect: Dialect): readonly Term[] {
  return Object.entries(wanted).flatMap(([key, value]): readonly Term[] => {
    const tagPath = [...path, key];
    const options = tagOptions(value);
    const [only] = options;
    if (options.length === 1 && isJsonObject(only) && Object.keys(only).length > 0)
      return tagTerms(tagPath, only, dialect);
    const written = writePath(tagPath);
    if (written === undefined) return [{}];
    const primitives = [...new Set(options.filter(isPrimitive))];
    const others = options.filter((option) => !isPrimitive(option));
    return anyOf([
      ...(primitives.length === 0 ? [] : [primitiveTerm(written, primitives, dialect)]),
      ...others.map((option) => optionTerm(tagPath, written, option, dialect)),
    ]);
  });
}

function primitiveTerm(path: string, values: readonly (string | number | boolean)[], dialect: Dialect): Term {
  const literals = values.map((value) => writeLiteral(value) ?? '');
  // The query language does not allow a list with only one value.
  const text = literals.length === 1 ? `${path} = ${literals.join()}` : `${path} IN [${literals.join(',')}]`;
  // The documented words cannot exclude only these values: a device whose tag is an object would be left out too.
  if (dialect === 'documented') return { text };
  const negated = isNoneOf(path, values, dialect);
  return { text, negated: negated.startsWith('(') ? negated : `(${negated})` };
}

function optionTerm(path: readonly string[], written: string, option: Json, dialect: Dialect): Term {
  if (!isJsonObject(option) || dialect === 'documented') return { text: `IS_DEFINED(${written})`, loose: true };
  if (Object.keys(option).length === 0) {
    return { text: `IS_OBJECT(${written})`, negated: `NOT IS_OBJECT(${written})` };
  }
  const terms = tagTerms(path, option, dialect);
  const [texts, negated] = [terms.flatMap(({ text }) => text ?? []), terms.map((term) => term.negated)];
  const isLoose = terms.some(({ text, loose }) => text === undefined || loose);
  if (texts.length === 0) return { text: `IS_OBJECT(${written})`, loose: true };
  return {
    text: texts.join(' AND '),
    ...(negated.includes(undefined) ? {} : { negated: `(${negated.join(' OR ')})` }),
    ...(isLoose ? { loose: true } : {}),
  };
}
