import { createHash } from 'node:crypto';
import type { Policy, PolicySet } from '../policy/index.ts';
import {
  brokenModulesQueries,
  compileModuleScope,
  compileRules,
  compileScope,
  countDevicesQuery,
  countModulesQuery,
} from './where/index.ts';

/** One thing that a sweep does; it keeps its place between and within them. */
export type SweepStep =
  /** Read the hub's automatic configurations. */
  | { readonly type: 'configurations' }
  /** Ask which modules break a policy. Where the hub does not take the query, all are walked. */
  | { readonly type: 'suspects'; readonly policy: Policy; readonly query: string }
  /** Look at every module of a policy that cannot be asked as a query, for the reason given. */
  | { readonly type: 'walk'; readonly policy: Policy; readonly why: string }
  /** Count a policy's devices and, where it creates its module, find those without. */
  | { readonly type: 'missing'; readonly policy: Policy }
  /** Look again at what is out of line by the history, and was named by none of the others. */
  | { readonly type: 'open' };

/** All that a sweep does under these policies, in order. Pure. */
export function sweepSteps(policies: PolicySet): readonly SweepStep[] {
  const steps: SweepStep[] = [{ type: 'configurations' }];
  for (const policy of policies.all) {
    const { walk } = compileRules(policy);
    // A walk sees all that queries would name.
    if (walk !== undefined) steps.push({ type: 'walk', policy, why: walk });
    else for (const query of brokenModulesQueries(policy)) steps.push({ type: 'suspects', policy, query });
  }
  for (const policy of policies.all) steps.push({ type: 'missing', policy });
  if (policies.all.length > 0) steps.push({ type: 'open' });
  return steps;
}

/** The same for the same steps: a place kept under other policies means nothing. */
export function fingerprintOf(steps: readonly SweepStep[]): string {
  const text = steps.map((step) => JSON.stringify(describeStep(step))).join('\n');
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

function describeStep(step: SweepStep): readonly string[] {
  if (step.type === 'configurations' || step.type === 'open') return [step.type];
  const { name } = step.policy;
  switch (step.type) {
    case 'suspects':
      return [step.type, name, step.query];
    case 'walk':
      return [step.type, name, step.why];
    case 'missing':
      return [step.type, name, countDevicesQuery(step.policy), countModulesQuery(step.policy)];
  }
}

/**
 * Whether a policy's scope can be asked of devices and of modules alike, so that equal counts say that no module is missing. Tags cannot be
 * asked of modules, nor can a predicate of anybody.
 */
export function countsAlike(policy: Policy): boolean {
  return compileScope(policy).exact && policy.scope.usesIdOnly && compileModuleScope(policy).exact;
}
