import type { Policy } from '../../policy/index.ts';
import { maxQueryLength, writeLiteral } from '../../query/index.ts';
import { byteLength, type Clause, joinClauses, packClauses } from './clause.ts';
import { compileReportClauses } from './report-clauses.ts';
import { compileRule } from './rule-clause.ts';
import { compileModuleScope, compileScope, type ScopeCondition } from './scope-condition.ts';

/** The most limitations that the reason for a walk names. */
const maxNamedLimitations = 3;

/** A policy's rules as conditions. */
export interface CompiledRules {
  /**
   * Without a `walkReason`, a twin breaks one of the policy's rules if and only if it meets one of these conditions. Each condition fits a
   * query together with the policy's scope.
   */
  readonly conditions: readonly string[];
  /** Why queries cannot find all departures, so that all twins must be read; a sentence for the log. Absent where queries suffice. */
  readonly walkReason?: string;
}

/** Compiles a policy's rules to conditions. `walkReason` also covers the limits of {@link compileReported}. */
export function compileRules(policy: Policy): CompiledRules {
  const { rules, limitations } = compile(policy);
  const conditions = packClauses(rules, maxConditionLength(policy));
  if (limitations.length === 0) return { conditions };
  const named = limitations.slice(0, maxNamedLimitations).join('; ');
  const more = limitations.length > maxNamedLimitations ? `; and ${limitations.length - maxNamedLimitations} more` : '';
  return {
    conditions,
    walkReason: `Queries cannot find all departures from the policy ${policy.name}: ${named}${more}.`,
  };
}

/**
 * Conditions for twins whose agent reports a failure, or another value than desired. Empty where the policy expects no report. The
 * conditions assume that the desired properties keep to the rules. They ignore the grace period.
 */
export function compileReported(policy: Policy): readonly string[] {
  return packClauses(compile(policy).reported, maxConditionLength(policy));
}

/**
 * Queries for the `deviceId` of each twin that departs from a policy, as far as queries can express its rules, its expected reports and its
 * scope. The conditions are packed into few queries. Several queries may return the same twin.
 */
export function brokenModulesQueries(policy: Policy): readonly string[] {
  const { rules, reported } = compile(policy);
  return packClauses([...rules, ...reported], maxConditionLength(policy)).map((condition) =>
    brokenQuery(policy, condition),
  );
}

/**
 * A query for the `deviceId` of each twin in a policy's scope. Returns others too where a query for such twins cannot express the scope.
 */
export function modulesQuery(policy: Policy): string {
  return query('deviceId', policy);
}

/** A query for the whole twins in a policy's scope. Returns others too where a query for such twins cannot express the scope. */
export function twinsQuery(policy: Policy): string {
  return query('*', policy);
}

/** A query for the number `n` of twins in a policy's scope. Counts others too where a query for such twins cannot express the scope. */
export function countModulesQuery(policy: Policy): string {
  return query('COUNT() AS n', policy);
}

/**
 * A query for the devices in a policy's scope: their ids or their whole twins. Returns others too where {@link compileScope} is not exact.
 */
export function devicesQuery(policy: Policy, columns: 'deviceId' | '*' = 'deviceId'): string {
  return select(columns, 'devices', [compileScope(policy).condition]);
}

/** A query for the number `n` of devices in a policy's scope. Counts others too where {@link compileScope} is not exact. */
export function countDevicesQuery(policy: Policy): string {
  return select('COUNT() AS n', 'devices', [compileScope(policy).condition]);
}

/** A query for the number `n` of devices that match the scope of {@link countModulesQuery}, which tests the device id and no tags. */
export function countDevicesByIdQuery(policy: Policy): string {
  return select('COUNT() AS n', 'devices', [compileModuleScope(policy).condition]);
}

interface Compilation {
  readonly rules: readonly Clause[];
  readonly reported: readonly Clause[];
  /** The parts of the policy that no query can express, each as a path and a reason. */
  readonly limitations: readonly string[];
}

function compile(policy: Policy): Compilation {
  const maxLength = maxConditionLength(policy);
  const rules: Clause[] = [];
  const reported: Clause[] = [];
  const limitations = policy.evaluate === undefined ? [] : ['it has an evaluate function'];
  const add = (clauses: Clause[], path: string, clause: Clause | undefined, limitation: string | undefined) => {
    const fits = clause !== undefined && byteLength(joinClauses([clause])) <= maxLength;
    if (fits) clauses.push(clause);
    const reason = limitation ?? (clause === undefined || fits ? undefined : 'is too long for a query');
    if (reason !== undefined) limitations.push(`${path} ${reason}`);
  };
  for (const property of policy.owned) {
    const { text, limitation } = compileRule(property);
    add(rules, `desired.${property.text}`, text === undefined ? undefined : { text }, limitation);
  }
  for (const { path, clause, limitation } of compileReportClauses(policy)) add(reported, path, clause, limitation);
  return { rules, reported, limitations };
}

/** The `FROM` of a policy's twins, and the conditions for its module and its scope. */
function source(policy: Policy): readonly [from: string, ...conditions: string[]] {
  if (policy.module === '') return ['devices', compileScope(policy).condition];
  return ['devices.modules', `moduleId = ${writeLiteral(policy.module)}`, compileModuleScope(policy).condition];
}

function query(columns: string, policy: Policy, ...conditions: readonly string[]): string {
  const [from, ...scope] = source(policy);
  return select(columns, from, [...scope, ...conditions]);
}

function brokenQuery(policy: Policy, condition: string): string {
  return query('deviceId', policy, `(${condition})`);
}

/** The most bytes that a condition may have in a query beside the policy's module and scope. */
function maxConditionLength(policy: Policy): number {
  return maxQueryLength - byteLength(brokenQuery(policy, ''));
}

function select(columns: string, from: string, conditions: readonly ScopeCondition['condition'][]): string {
  const where = conditions.filter((condition) => condition !== '').join(' AND ');
  return `SELECT ${columns} FROM ${from}${where === '' ? '' : ` WHERE ${where}`}`;
}
