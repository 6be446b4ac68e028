import type { OwnedProperty, Policy } from '../../policy/index.ts';
import { writeLiteral, writePath } from '../../query/index.ts';
import type { Clause } from './clause.ts';
import { type CompiledRule, isPrimitive, typeTests, unwritableKey, wantedType } from './rule-clause.ts';

/** A clause for one expected report. Where a query cannot express the expectation, `limitation` says why. */
export interface ReportClause extends Omit<CompiledRule, 'text'> {
  /** Dotted path, from `desired` or `reported` on. */
  readonly path: string;
  readonly clause?: Clause;
}

/**
 * Clauses for twins whose agent does not report as a policy expects. A query cannot test when a desired property was written. So a twin in
 * its grace period meets the clauses too.
 */
export function compileReportClauses({ owned, reported }: Policy): readonly ReportClause[] {
  const mirrors = reported?.mirrors === true ? owned.flatMap(compileMirror) : [];
  if (reported?.failure === undefined) return mirrors;
  const { path: keys, value } = reported.failure;
  const path = `reported.${keys.join('.')}`;
  const written = writePath(['properties', 'reported', ...keys]);
  const literal = writeLiteral(value);
  if (written === undefined) return [...mirrors, { path, limitation: unwritableKey }];
  if (literal === undefined) {
    return [...mirrors, { path, limitation: 'marks a failure with a value that a query cannot compare' }];
  }
  return [...mirrors, { path, clause: { text: `${written} = ${literal}` } }];
}

/**
 * A clause for one owned property: the agent reports the property's section, and another value than desired. The clause assumes that the
 * desired value keeps to its rule.
 */
function compileMirror({ path: keys, text, rule }: OwnedProperty): readonly ReportClause[] {
  // A property that must be absent is not reported.
  if (rule.rule === 'absent') return [];
  const path = `desired.${text}`;
  const desired = writePath(['properties', 'desired', ...keys]);
  const reported = writePath(['properties', 'reported', ...keys]);
  const section = writePath(['properties', 'reported', ...keys.slice(0, 1)]);
  // The clause for the property's rule has the same limitation.
  if (desired === undefined || reported === undefined || section === undefined) return [];
  const type = wantedType(rule);
  if (type !== undefined) {
    const differs = `NOT ${typeTests[type]}(${reported}) OR ${reported} != ${desired}`;
    return [{ path, clause: { text: differs, guard: `IS_DEFINED(${section})` } }];
  }
  // For other rules that want an object, the rule's own clause has a limitation.
  if (rule.rule === 'byDefault' && !isPrimitive(rule.value)) {
    return [{ path, limitation: 'holds an object or a list, which a query cannot compare with the reported value' }];
  }
  const otherType = Object.values(typeTests).map((test) => `(${test}(${desired}) AND NOT ${test}(${reported}))`);
  // A query cannot compare objects. So a twin with an object or a list there meets the clause, and is read.
  const differs = [`${reported} != ${desired}`, ...otherType, `IS_OBJECT(${desired})`, `IS_ARRAY(${desired})`];
  return [{ path, clause: { text: differs.join(' OR '), guard: `IS_DEFINED(${section})` } }];
}
