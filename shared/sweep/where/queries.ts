import type { Policy } from '../../policy/index.ts';
import { maxQueryLength, writeLiteral } from '../../query/index.ts';
import { byteLength, type Clause, joinClauses, packClauses } from './clause.ts';
import { foundColumns, scopeColumns, twinColumns } from './columns.ts';
import type { Dialect } from './dialect.ts';
import { compileReportClauses } from './report-clauses.ts';
import { compileRule } from './rule-clause.ts';
import { compileModuleScope, compileScope, type ScopeCondition } from './scope-condition.ts';

/** Maximum number of limitations that a `walkReason` lists. */
const maxNamedLimitations = 3;

/** The rules of a policy as query conditions. */
export interface CompiledRules {
  /**
   * Without a `walkReason`, every twin that breaks a rule of the policy meets one of these conditions. A twin that meets a condition breaks
   * a rule, or has an unusual duration. Each condition is short enough for one query, together with the policy's scope.
   */
  readonly conditions: readonly string[];
  /** Why queries cannot find all drift, so that all twins must be read. A sentence for the log. Absent where queries suffice. */
  readonly walkReason?: string;
}

/** Compiles a policy's rules to query conditions. `walkReason` also lists the limitations of {@link compileReported}. */
export function compileRules(policy: Policy, dialect: Dialect = 'full'): CompiledRules {
  const { rules, limitations } = compile(policy, dialect);
  const conditions = packClauses(rules, maxConditionLength(policy, dialect));
  if (limitations.length === 0) return { conditions };
  const named = limitations.slice(0, maxNamedLimitations).join('; ');
  const more = limitations.length > maxNamedLimitations ? `; and ${limitations.length - maxNamedLimitations} more` : '';
  return {
    conditions,
    walkReason: `Queries cannot find all departures from the policy ${policy.name}: ${named}${more}.`,
  };
}

/**
 * Compiles a policy's expected reports to query conditions. A condition matches a twin whose agent reports a failure, or reports another
 * value than the desired one. The list is empty where the policy expects no report. The conditions assume that the desired properties
 * comply with the rules. The conditions ignore the grace period.
 */
export function compileReported(policy: Policy): readonly string[] {
  return packClauses(compile(policy, 'full').reported, maxConditionLength(policy, 'full'));
}

/**
 * Returns queries for the `deviceId` and `version` of each twin that departs from a policy. The queries test the rules, the expected
 * reports and the scope as far as the query language allows. There are as few queries as possible. Several queries may return the same
 * twin.
 */
export function brokenModulesQueries(policy: Policy, dialect: Dialect = 'full'): readonly string[] {
  const { rules, reported } = compile(policy, dialect);
  return packClauses([...rules, ...reported], maxConditionLength(policy, dialect)).map((condition) =>
    brokenQuery(policy, condition, dialect),
  );
}

/**
 * Returns a query for the `deviceId` of each twin in a policy's scope. A query that cannot test the whole scope also returns other twins.
 */
export function modulesQuery(policy: Policy, dialect: Dialect = 'full'): string {
  return query('deviceId', policy, dialect);
}

/**
 * Returns a query for what the policy reads of each twin in its scope: see {@link twinColumns}. A query that cannot test the whole scope also
 * returns other twins.
 */
export function twinsQuery(policy: Policy, dialect: Dialect = 'full'): string {
  return query(twinColumns([policy]), policy, dialect);
}

/** Returns a query for the number `n` of twins in a policy's scope. A query that cannot test the whole scope also counts other twins. */
export function countModulesQuery(policy: Policy, dialect: Dialect = 'full'): string {
  return query('COUNT() AS n', policy, dialect);
}

/**
 * Returns a query for the devices in a policy's scope: their ids, or with `withScope` also what the scope reads. Where {@link compileScope}
 * is not exact, the query also returns other devices.
 */
export function devicesQuery(policy: Policy, withScope = false, dialect: Dialect = 'full'): string {
  return select(withScope ? scopeColumns : 'deviceId', 'devices', [compileScope(policy, dialect).condition]);
}

/** Returns a query for all devices of the hub, with what scopes read. */
export const allDevicesQuery = `SELECT ${scopeColumns} FROM devices`;

/**
 * Returns a query for the number `n` of devices in a policy's scope. Where {@link compileScope} is not exact, the query also counts other
 * devices.
 */
export function countDevicesQuery(policy: Policy, dialect: Dialect = 'full'): string {
  return select('COUNT() AS n', 'devices', [compileScope(policy, dialect).condition]);
}

/** A query for the number `n` of devices in the scope of at least one policy. */
export interface FleetQuery {
  /** Where the scopes are the same, or one scope is the whole hub, the text is that of {@link countDevicesQuery}. */
  readonly query: string;
  /** False where the query also counts other devices, because no query can test the scope of a policy, such as a function. */
  readonly isExact: boolean;
}

/** Returns a query for the number of devices to which a policy applies. `undefined` when the query would be too long. */
export function countFleetQuery(policies: readonly Policy[], dialect: Dialect = 'full'): FleetQuery | undefined {
  const scopes = policies.map((policy) => compileScope(policy, dialect));
  const conditions = [...new Set(scopes.map(({ condition }) => condition))];
  const [first = ''] = conditions;
  const any = conditions.length === 1 ? first : conditions.map((condition) => `(${condition})`).join(' OR ');
  const query = select('COUNT() AS n', 'devices', [conditions.includes('') ? '' : any]);
  const isExact =
    scopes.every(({ exact }) => exact) || scopes.some(({ condition, exact }) => condition === '' && exact);
  return byteLength(query) > maxQueryLength ? undefined : { query, isExact };
}

/**
 * Returns a query for the number `n` of devices whose id matches a policy's scope. The query ignores tags, as {@link countModulesQuery}
 * does.
 */
export function countDevicesByIdQuery(policy: Policy, dialect: Dialect = 'full'): string {
  return select('COUNT() AS n', 'devices', [compileModuleScope(policy, dialect).condition]);
}

interface Compilation {
  readonly rules: readonly Clause[];
  readonly reported: readonly Clause[];
  /** The parts of the policy that no query can express. Each limitation is a path and a reason. */
  readonly limitations: readonly string[];
}

function compile(policy: Policy, dialect: Dialect): Compilation {
  const maxLength = maxConditionLength(policy, dialect);
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
    const { text, guard, limitation } = compileRule(property, dialect);
    const clause = text === undefined ? undefined : { text, ...(guard === undefined ? {} : { guard }) };
    add(rules, `desired.${property.text}`, clause, limitation);
  }
  for (const { path, clause, limitation } of compileReportClauses(policy, dialect))
    add(reported, path, clause, limitation);
  return { rules, reported, limitations };
}

/** Returns the `FROM` clause for a policy's twins, and the conditions for the policy's module and scope. */
function source(policy: Policy, dialect: Dialect): readonly [from: string, ...conditions: string[]] {
  if (policy.module === '') return ['devices', compileScope(policy, dialect).condition];
  return [
    'devices.modules',
    `moduleId = ${writeLiteral(policy.module)}`,
    compileModuleScope(policy, dialect).condition,
  ];
}

function query(columns: string, policy: Policy, dialect: Dialect, ...conditions: readonly string[]): string {
  const [from, ...scope] = source(policy, dialect);
  return select(columns, from, [...scope, ...conditions]);
}

function brokenQuery(policy: Policy, condition: string, dialect: Dialect): string {
  return query(foundColumns, policy, dialect, `(${condition})`);
}

/** Returns the maximum length of a condition in bytes. The rest of the query is the policy's module and scope. */
function maxConditionLength(policy: Policy, dialect: Dialect): number {
  return maxQueryLength - byteLength(brokenQuery(policy, '', dialect));
}

function select(columns: string, from: string, conditions: readonly ScopeCondition['condition'][]): string {
  const where = conditions.filter((condition) => condition !== '').join(' AND ');
  return `SELECT ${columns} FROM ${from}${where === '' ? '' : ` WHERE ${where}`}`;
}
