import { createHash } from 'node:crypto';
import type { Policy, PolicySet } from '../policy/index.ts';
import { usesFunctions } from './query-functions.ts';
import {
  brokenModulesQueries,
  compileModuleScope,
  compileRules,
  compileScope,
  countDevicesQuery,
  countModulesQuery,
  type Dialect,
} from './where/index.ts';

/** One step of a sweep. */
export type SweepStep =
  /** Read the hub's automatic configurations. */
  | { readonly type: 'configurations' }
  /** Compare the module ids of the hub with the modules of the policies. */
  | { readonly type: 'modules' }
  /** Query the hub for twins that break a policy. Where the hub refuses the query, read all twins of the policy instead. */
  | { readonly type: 'suspects'; readonly policy: Policy; readonly query: string }
  /** Read all twins of a policy (a walk), because queries cannot find all drift from this policy. */
  | { readonly type: 'walk'; readonly policy: Policy; readonly reason: string }
  /** Compare all twins of a policy with what its queries returned, where that was last done long ago. */
  | { readonly type: 'look'; readonly policy: Policy }
  /** Count a policy's devices. Where the policy creates its module, also find the devices that lack the module. */
  | { readonly type: 'missing'; readonly policy: Policy }
  /** Queue the modules with open drift that no earlier step found, and the devices with open rows that no policy demands. */
  | { readonly type: 'open' };

/** Returns all steps of a sweep for these policies, in order. `dialect`: the words that its queries may use. Pure. */
export function sweepSteps(policies: PolicySet, dialect: Dialect = 'full'): readonly SweepStep[] {
  const steps: SweepStep[] = [{ type: 'configurations' }];
  if (policies.all.some(({ module }) => module !== '')) steps.push({ type: 'modules' });
  for (const policy of policies.all) {
    const { walkReason } = compileRules(policy);
    // A walk reads all twins of the policy, so the policy's queries are not needed.
    if (walkReason !== undefined) steps.push({ type: 'walk', policy, reason: walkReason });
    else {
      for (const query of brokenModulesQueries(policy, dialect)) steps.push({ type: 'suspects', policy, query });
      if (dialect === 'documented' && brokenModulesQueries(policy).some(usesFunctions)) {
        const reason = `The hub refuses some functions of queries, so queries cannot find all departures from the policy ${policy.name}.`;
        steps.push({ type: 'walk', policy, reason });
      } else steps.push({ type: 'look', policy });
    }
  }
  for (const policy of policies.all) steps.push({ type: 'missing', policy });
  // Without any policy, the rows of removed policies are still open.
  steps.push({ type: 'open' });
  return steps;
}

/** Returns a hash of the list of steps. A checkpoint is valid only for a list of steps with the same hash. */
export function fingerprintOf(steps: readonly SweepStep[]): string {
  const text = steps.map((step) => JSON.stringify(describeStep(step))).join('\n');
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

function describeStep(step: SweepStep): readonly string[] {
  if (!('policy' in step)) return [step.type];
  const { name } = step.policy;
  switch (step.type) {
    case 'suspects':
      return [step.type, name, step.query];
    case 'walk':
      return [step.type, name, step.reason];
    case 'look':
      return [step.type, name];
    case 'missing':
      return [step.type, name, countDevicesQuery(step.policy), countModulesQuery(step.policy)];
  }
}

/**
 * Whether a sweep can compare the number of a policy's devices with the number of its modules. If the two numbers are then equal, no device
 * lacks the module. False when one of the two queries cannot test the whole scope. The query for modules cannot test the tags of their
 * devices, and no query can test a scope function.
 */
export function countsAreComparable(policy: Policy, dialect: Dialect = 'full'): boolean {
  return compileScope(policy, dialect).exact && policy.scope.usesIdOnly && compileModuleScope(policy, dialect).exact;
}
