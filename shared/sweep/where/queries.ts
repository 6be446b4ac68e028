import type { Policy } from '../../policy/index.ts';
import { maxQueryLength, writeLiteral } from '../../query/index.ts';
import { type Clause, joinClauses, lengthOf, packClauses } from './clause.ts';
import { compileExpectations } from './report-clauses.ts';
import { compileRule } from './rule-clause.ts';
import { compileModuleScope, compileScope, type ScopeCondition } from './scope-condition.ts';

/** How many things that a query cannot say are told; one is enough for a walk. */
const maxTold = 3;

/** What a policy wants of its twins, as far as queries can find those that depart from it. */
export interface CompiledRules {
  /**
   * A twin breaks one of the policy's rules if and only if it meets one of these conditions, as long as there is no `walk`. Each fits a
   * query together with the policy's scope.
   */
  readonly conditions: readonly string[];
  /** Why every twin has to be looked at all the same, in a sentence for the log; absent when queries find all that there is. */
  readonly walk?: string;
}

/** A policy's rules as conditions for the twins that it is about. `walk` also speaks for what {@link compileReported} cannot say. */
export function compileRules(policy: Policy): CompiledRules {
  const { rules, beyond } = compile(policy);
  const conditions = packClauses(rules, roomIn(policy));
  if (beyond.length === 0) return { conditions };
  const told = beyond.slice(0, maxTold).join('; ');
  const more = beyond.length > maxTold ? `; and ${beyond.length - maxTold} more` : '';
  return { conditions, walk: `Queries cannot find all that departs from the policy ${policy.name}: ${told}${more}.` };
}

/**
 * Conditions for twins whose agent reports something else than is desired, or a failure; empty where the policy expects no report. They
 * speak of twins that keep to the rules, and know nothing of the time of grace.
 */
export function compileReported(policy: Policy): readonly string[] {
  return packClauses(compile(policy).reported, roomIn(policy));
}

/**
 * Queries that together give the `deviceId` of every twin which departs from the policy, as far as its rules, its expected reports and its
 * scope can be said. As few as will do; a twin may come up in several.
 */
export function brokenModulesQueries(policy: Policy): readonly string[] {
  const { rules, reported } = compile(policy);
  return packClauses([...rules, ...reported], roomIn(policy)).map((condition) => brokenQuery(policy, condition));
}

/** Gives the `deviceId` of each twin that the policy is about, as far as its scope can be said. */
export function modulesQuery(policy: Policy): string {
  return query('deviceId', policy);
}

/** Gives the whole twins that the policy is about, as far as its scope can be said. */
export function twinsQuery(policy: Policy): string {
  return query('*', policy);
}

/** Gives how many twins there are that the policy is about, as far as its scope can be said, as `n`. */
export function countModulesQuery(policy: Policy): string {
  return query('COUNT() AS n', policy);
}

/** Gives each device in the policy's scope, its id or its whole twin, and others where {@link compileScope} is not exact. */
export function scopeQuery(policy: Policy, what: 'deviceId' | '*' = 'deviceId'): string {
  return select(what, 'devices', [compileScope(policy).condition]);
}

/** Gives how many devices there are in the policy's scope, and of others where {@link compileScope} is not exact, as `n`. */
export function countDevicesQuery(policy: Policy): string {
  return select('COUNT() AS n', 'devices', [compileScope(policy).condition]);
}

/** Gives how many devices there are to which {@link countModulesQuery} could apply, whatever their tags, as `n`. */
export function countLikeQuery(policy: Policy): string {
  return select('COUNT() AS n', 'devices', [compileModuleScope(policy).condition]);
}

interface Compilation {
  readonly rules: readonly Clause[];
  readonly reported: readonly Clause[];
  /** What no query can say, and where. */
  readonly beyond: readonly string[];
}

function compile(policy: Policy): Compilation {
  const room = roomIn(policy);
  const rules: Clause[] = [];
  const reported: Clause[] = [];
  const beyond = policy.evaluate === undefined ? [] : ['it has an evaluate function'];
  const take = (clauses: Clause[], at: string, clause: Clause | undefined, reason: string | undefined) => {
    const fits = clause !== undefined && lengthOf(joinClauses([clause])) <= room;
    if (fits) clauses.push(clause);
    const why = reason ?? (clause === undefined || fits ? undefined : 'is too long for a query');
    if (why !== undefined) beyond.push(`${at} ${why}`);
  };
  for (const property of policy.owned) {
    const { text, beyond: reason } = compileRule(property);
    take(rules, `desired.${property.text}`, text === undefined ? undefined : { text }, reason);
  }
  for (const { at, clause, beyond: reason } of compileExpectations(policy)) take(reported, at, clause, reason);
  return { rules, reported, beyond };
}

/** The twins that a policy is about, and which of them its scope leaves. */
function source(policy: Policy): readonly [from: string, ...conditions: string[]] {
  if (policy.module === '') return ['devices', compileScope(policy).condition];
  return ['devices.modules', `moduleId = ${writeLiteral(policy.module)}`, compileModuleScope(policy).condition];
}

function query(what: string, policy: Policy, ...conditions: readonly string[]): string {
  const [from, ...ours] = source(policy);
  return select(what, from, [...ours, ...conditions]);
}

function brokenQuery(policy: Policy, condition: string): string {
  return query('deviceId', policy, `(${condition})`);
}

/** How long a condition may be, for a query that has nothing else to say but the policy's twins and its scope. */
function roomIn(policy: Policy): number {
  return maxQueryLength - lengthOf(brokenQuery(policy, ''));
}

function select(what: string, from: string, conditions: readonly ScopeCondition['condition'][]): string {
  const where = conditions.filter((condition) => condition !== '').join(' AND ');
  return `SELECT ${what} FROM ${from}${where === '' ? '' : ` WHERE ${where}`}`;
}
