import type { ActionIntent } from '../shared/actions/index.ts';
import type { InForce } from '../shared/evidence/index.ts';
import { type Policy, policyHash } from '../shared/policy/index.ts';
import type { App } from './compose.ts';

/** A change of the policies that the app has noticed. */
interface PolicyChange {
  readonly action: Extract<ActionIntent['action'], 'mode' | 'policy'>;
  readonly policy: string;
  /** The change in one sentence. */
  readonly detail: string;
}

/**
 * Records each change of a policy or its mode as an action. Call this function before the new policies are kept: a process that dies in between
 * records a change twice, and never loses it.
 */
export async function recordPolicyChanges(
  before: InForce | undefined,
  { actions, policies }: Pick<App, 'actions' | 'policies'>,
): Promise<void> {
  for (const { action, policy, detail } of policyChanges(before, policies.all)) {
    await actions.record(
      { action, by: { type: 'app' }, target: { policy } },
      async () => {},
      () => detail,
    );
  }
}

/** The changes between what was in force before and the policies now. None when nothing is known of before. Pure. */
export function policyChanges(before: InForce | undefined, now: readonly Policy[]): readonly PolicyChange[] {
  if (before === undefined) return [];
  const known = new Map(Object.entries(before.policies));
  const names = new Set(now.map(({ name }) => name));
  const removed = [...known].filter(([name]) => !names.has(name));
  return [
    ...now.flatMap((policy) => changesOf(policy, known.get(policy.name))),
    ...removed.map(([policy, { version }]) => ({
      action: 'policy' as const,
      policy,
      detail: `The policy was taken out. Its version was ${version}.`,
    })),
  ];
}

function changesOf(policy: Policy, before: InForce['policies'][string] | undefined): readonly PolicyChange[] {
  const { name, mode } = policy;
  const version = policyHash(policy);
  if (before === undefined) {
    return [{ action: 'policy', policy: name, detail: `The policy is new: version ${version}, mode ${mode}.` }];
  }
  const changes: PolicyChange[] = [];
  if (before.version !== version) {
    changes.push({ action: 'policy', policy: name, detail: `Version ${before.version} became ${version}.` });
  }
  if (before.mode !== mode) {
    changes.push({ action: 'mode', policy: name, detail: `Mode ${before.mode} became ${mode}.` });
  }
  return changes;
}
