import type { OwnedProperty, Policy } from '../../policy/index.ts';
import { writeLiteral, writePath } from '../../query/index.ts';
import type { Clause } from './clause.ts';
import { areOfDifferentTypes, type Dialect, isNotOfType } from './dialect.ts';
import { type CompiledRule, isPrimitive, unwritableKey, wantedType } from './rule-clause.ts';

/** The query clause of one expected report. Where a query cannot express the expected report, `limitation` contains the reason. */
export interface ReportClause extends Omit<CompiledRule, 'text'> {
  /** Dotted path of the property. The path starts with `desired` or `reported`. */
  readonly path: string;
  readonly clause?: Clause;
}

/**
 * Compiles a policy's expected reports to clauses. A twin meets a clause where its agent does not report as the policy expects. A query
 * cannot test when a desired property was written. So the clauses also match a twin in its grace period.
 */
export function compileReportClauses({ owned, reported }: Policy, dialect: Dialect): readonly ReportClause[] {
  const mirrors = reported?.mirrors === true ? owned.flatMap((property) => compileMirror(property, dialect)) : [];
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
 * Compiles the expected report of one owned property. A twin meets the clause where the agent reports another value than the desired value.
 * The clause assumes that the desired value complies with its rule. A query cannot read durations: where the agent writes a duration in
 * another way, the twin meets the clause too.
 */
function compileMirror({ path: keys, text, rule }: OwnedProperty, dialect: Dialect): readonly ReportClause[] {
  // Skip a property that must be absent: the agent does not report it.
  if (rule.rule === 'absent') return [];
  const path = `desired.${text}`;
  const desired = writePath(['properties', 'desired', ...keys]);
  const reported = writePath(['properties', 'reported', ...keys]);
  // A query cannot express this path. `compileRule` returns that limitation already.
  if (desired === undefined || reported === undefined) return [];
  const type = wantedType(rule);
  if (type !== undefined) {
    const differs = `${isNotOfType(reported, type, dialect)} OR ${reported} != ${desired}`;
    // A property that is not reported says nothing. An optional property may also be missing in the desired properties.
    const guard = `IS_DEFINED(${reported})`;
    return [
      {
        path,
        clause: { text: differs, guard: rule.rule === 'optional' ? `IS_DEFINED(${desired}) AND ${guard}` : guard },
      },
    ];
  }
  // Only a `byDefault` rule needs this limitation. For other rules that want an object or a list, `compileRule` returns a limitation.
  if (rule.rule === 'byDefault' && !isPrimitive(rule.value)) {
    return [{ path, limitation: 'holds an object or a list, which a query cannot compare with the reported value' }];
  }
  // A query cannot compare objects. So a desired value that is an object or a list always meets the clause, and the sweep reads the twin.
  const objects = dialect === 'full' ? [`IS_OBJECT(${desired})`, `IS_ARRAY(${desired})`] : [];
  const differs = [`${reported} != ${desired}`, areOfDifferentTypes(desired, reported, dialect), ...objects];
  return [{ path, clause: { text: differs.join(' OR '), guard: `IS_DEFINED(${reported})` } }];
}
