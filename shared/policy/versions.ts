import { policiesHash, policyHash } from './policy-hash.ts';
import type { PolicySet } from './policy-set.ts';

/** What was in force when a row was written: the versions that an auditor needs to repeat a judgement. */
export interface Versions {
  /** The version of the app, as in its package.json. */
  readonly app: string;
  /** The hash of the definitions of all policies. */
  policies(): string;
  /** The hash of the definition of a policy. `undefined` when there is no such policy. */
  ofPolicy(name: string): string | undefined;
}

/** The versions of the policies of an app. The hashes are computed at the first call, because the start of the app needs none. */
export function versionsOf({ all }: Pick<PolicySet, 'all'>, app: string): Versions {
  let hashes: ReadonlyMap<string, string> | undefined;
  let ofAll: string | undefined;
  return {
    app,
    policies() {
      ofAll ??= policiesHash(all);
      return ofAll;
    },
    ofPolicy(name) {
      hashes ??= new Map(all.map((policy) => [policy.name, policyHash(policy)]));
      return hashes.get(name);
    },
  };
}
