import type { OwnedProperty, Policy } from '../../policy/index.ts';
import { writeLiteral, writePath } from '../../query/index.ts';
import type { Clause } from './clause.ts';
import { type Compiled, isPrimitive, typeTests, typeWanted, unwritable } from './rule-clause.ts';

/** A clause and where it comes from, or why there is none. */
export interface ReportedClause extends Omit<Compiled, 'text'> {
  /** Dotted, from `desired` or `reported`. */
  readonly at: string;
  readonly clause?: Clause;
}

/**
 * Clauses that a twin meets when its agent does not report what a policy expects of it. How long ago the desired property was written
 * cannot be asked for: a twin in its time of grace meets them, too.
 */
export function compileExpectations({ owned, reported }: Policy): readonly ReportedClause[] {
  const mirrors = reported?.mirrors === true ? owned.flatMap(compileMirror) : [];
  if (reported?.failure === undefined) return mirrors;
  const { path, value } = reported.failure;
  const at = `reported.${path.join('.')}`;
  const written = writePath(['properties', 'reported', ...path]);
  const literal = writeLiteral(value);
  if (written === undefined) return [...mirrors, { at, beyond: unwritable }];
  if (literal === undefined) return [...mirrors, { at, beyond: 'tells a failure by what a query cannot compare' }];
  return [...mirrors, { at, clause: { text: `${written} = ${literal}` } }];
}

/** A desired property that keeps to its rule, and that the agent reports otherwise, if it reports that section at all. */
function compileMirror({ path, text, rule }: OwnedProperty): readonly ReportedClause[] {
  // What must not be there is not expected to be reported.
  if (rule.rule === 'absent') return [];
  const at = `desired.${text}`;
  const desired = writePath(['properties', 'desired', ...path]);
  const reported = writePath(['properties', 'reported', ...path]);
  const section = writePath(['properties', 'reported', ...path.slice(0, 1)]);
  // That it cannot be written is already said of the rule.
  if (desired === undefined || reported === undefined || section === undefined) return [];
  const type = typeWanted(rule);
  if (type !== undefined) {
    const text = `NOT ${typeTests[type]}(${reported}) OR ${reported} != ${desired}`;
    return [{ at, clause: { text, guard: `IS_DEFINED(${section})` } }];
  }
  // That an object cannot be compared is already said of other rules.
  if (rule.rule === 'byDefault' && !isPrimitive(rule.value)) {
    return [{ at, beyond: 'holds an object or a list, which a query cannot compare with what is reported' }];
  }
  const otherType = Object.values(typeTests).map((test) => `(${test}(${desired}) AND NOT ${test}(${reported}))`);
  // Objects cannot be compared: wherever somebody put one, the twin has to be read.
  const differs = [`${reported} != ${desired}`, ...otherType, `IS_OBJECT(${desired})`, `IS_ARRAY(${desired})`];
  return [{ at, clause: { text: differs.join(' OR '), guard: `IS_DEFINED(${section})` } }];
}
