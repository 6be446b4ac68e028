import { excludedParts, idPatterns, type Policy, type ScopeParts } from '../../policy/index.ts';
import { maxQueryLength, writeLiteral } from '../../query/index.ts';
import { byteLength } from './clause.ts';
import type { Dialect } from './dialect.ts';
import { isExact, patternTests } from './pattern-tests.ts';
import { tagTerms } from './tag-terms.ts';
import { anyOf, type Term } from './term.ts';

/** A policy's scope as a query condition. */
export interface ScopeCondition {
  /** Text of the condition. `''` means no condition: all devices match. */
  readonly condition: string;
  /**
   * True where the condition matches only devices in the scope. False where the condition also matches other devices. In both cases, the
   * condition matches all devices in the scope.
   */
  readonly exact: boolean;
}

/** Maximum length of the scope's condition, in bytes. The rest of the query is for the rules. */
const maxScopeLength = maxQueryLength / 2;

/** Writes a policy's scope as a condition for twins of devices (`FROM devices`). */
export function compileScope({ scope }: Policy, dialect: Dialect = 'full'): ScopeCondition {
  if (scope.definition === undefined) return { condition: '', exact: false };
  const { definition } = scope;
  return conjunction([
    ...partsTerms(definition, dialect),
    ...excludedParts(definition).map((parts) => exclusion(parts, dialect)),
  ]);
}

/**
 * Writes a policy's scope as a condition for twins of modules (`FROM devices.modules`). The twin of a module contains the device id, but
 * not the tags or capabilities of its device. So the condition tests the device id only.
 */
export function compileModuleScope({ scope }: Policy, dialect: Dialect = 'full'): ScopeCondition {
  const { definition } = scope;
  if (definition === undefined) return { condition: '', exact: false };
  const excluded = excludedParts(definition).filter(({ tags, edge }) => tags === undefined && edge === undefined);
  const { condition, exact } = conjunction([
    ...idTerms(definition, dialect),
    ...excluded.map((parts) => exclusion(parts, dialect)),
  ]);
  return { condition, exact: exact && scope.usesIdOnly };
}

function conjunction(terms: readonly Term[]): ScopeCondition {
  const texts: string[] = [];
  let exact = true;
  for (const { text, loose } of terms) {
    const fits = text !== undefined && byteLength([...texts, text].join(' AND ')) <= maxScopeLength;
    if (fits) texts.push(text);
    if (!fits || loose) exact = false;
  }
  return { condition: texts.join(' AND '), exact };
}

/** Returns the terms for a device. A device that matches all parts meets all terms. */
function partsTerms(parts: ScopeParts, dialect: Dialect): readonly Term[] {
  const capability = 'capabilities.iotEdge';
  const isEdge = `${capability} = true`;
  const isNoEdge = `(NOT IS_DEFINED(${capability}) OR ${capability} != true)`;
  const [text, negated] = parts.edge ? [isEdge, isNoEdge] : [isNoEdge, isEdge];
  return [
    ...idTerms(parts, dialect),
    ...(parts.edge === undefined ? [] : [{ text, negated }]),
    ...tagTerms(['tags'], parts.tags ?? {}, dialect),
  ];
}

/**
 * Returns the term that leaves out the devices that match all parts. Without an exact condition for each part, the term has no text: a
 * condition that matches too many devices must not leave them out.
 */
function exclusion(parts: ScopeParts, dialect: Dialect): Term {
  const negated = partsTerms(parts, dialect).map((term) => (term.loose ? undefined : term.negated));
  return negated.length === 0 || negated.includes(undefined)
    ? {}
    : { text: negated.length === 1 ? negated.join() : `(${negated.join(' OR ')})` };
}

/** Returns the terms for the patterns of device ids. A query cannot test every pattern. In these cases the terms are `loose`. */
function idTerms(parts: ScopeParts, dialect: Dialect): readonly Term[] {
  const patterns = idPatterns(parts);
  if (patterns === undefined) return [];
  const ids = [...new Set(patterns.flatMap((pieces) => (pieces.length === 1 ? pieces : [])))];
  const literals = ids.map((id) => writeLiteral(id) ?? '');
  const [first, ...others] = literals;
  const list = `[${literals.join(',')}]`;
  const wholeIds: Term[] =
    first === undefined
      ? []
      : others.length === 0
        ? [{ text: `deviceId = ${first}`, negated: `deviceId != ${first}` }]
        : [{ text: `deviceId IN ${list}`, negated: `deviceId NIN ${list}` }];
  const globs = patterns.filter(({ length }) => length > 1).map((pieces) => patternTerm(pieces, dialect));
  return anyOf([...wholeIds, ...globs]);
}

function patternTerm(pieces: readonly string[], dialect: Dialect): Term {
  const tests = patternTests('deviceId', pieces);
  if (tests.length === 0) return { text: '' };
  if (dialect === 'documented') return {};
  const negated = tests.map((test) => `NOT ${test}`);
  return {
    text: tests.join(' AND '),
    negated: negated.length === 1 ? negated.join() : `(${negated.join(' OR ')})`,
    ...(isExact(pieces) ? {} : { loose: true }),
  };
}
