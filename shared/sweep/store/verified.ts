/** How a sweep looked at all twins of a policy, or for the modules that are missing. `at`: every twin was as it says at this time or later. */
export interface Look {
  /** `query`: the hub was asked for twins that break the policy. `count`: devices and modules were counted. `read`: each of them was read. */
  readonly how: 'query' | 'count' | 'read';
  /** ISO 8601. The start of the sweep, or of the walk that read the twins. A query's results may be some minutes older. */
  readonly at: string;
}

/** What a sweep has verified of a policy on all its devices. */
export interface Verified {
  /** The hash of the policy's definition that was verified. */
  readonly version?: string;
  /** The values of the twins. Absent when the hub refused the query, or when no walk of the policy has ended yet. */
  readonly values?: Look;
  /** That each device has the module. Absent for a policy that creates no module. */
  readonly modules?: Look;
}

/** What a sweep looks at: the values of twins, or whether modules are missing. */
export type LookedAt = 'values' | 'modules';

/** What a sweep has verified, by the name of the policy. */
export type VerifiedByPolicy = Readonly<Record<string, Verified>>;

/**
 * Adds a look to what a sweep has verified. Several looks at one policy tell the oldest of them. `undefined`: it could not look, so nothing is
 * verified, whatever other looks say. Pure.
 */
export function withLook(
  verified: VerifiedByPolicy,
  policy: string,
  part: LookedAt,
  look: Look | undefined,
): VerifiedByPolicy {
  const known = Object.hasOwn(verified, policy) ? verified[policy] : undefined;
  const before = known?.[part];
  const isOlder = look === undefined || before === undefined || look.at < before.at;
  const next = isOlder ? (look ?? notVerified) : before;
  return { ...verified, [policy]: { ...known, [part]: next } };
}

/** Puts one look in the place of all looks at a part of a policy: they are known to be wrong. `undefined`: nothing is verified. Pure. */
export function withOnlyLook(
  verified: VerifiedByPolicy,
  policy: string,
  part: LookedAt,
  look: Look | undefined,
): VerifiedByPolicy {
  const known = Object.hasOwn(verified, policy) ? verified[policy] : undefined;
  return { ...verified, [policy]: { ...known, [part]: look ?? notVerified } };
}

/** Names the version of a policy that the next looks are about. Looks at another version, before a restart of the app, no longer count. Pure. */
export function withVersion(verified: VerifiedByPolicy, policy: string, version: string): VerifiedByPolicy {
  const known = Object.hasOwn(verified, policy) ? verified[policy] : undefined;
  return known?.version === version ? verified : { ...verified, [policy]: { version } };
}

/** Stands for a look that failed until the sweep ends. It is older than any time. */
const notVerified: Look = { how: 'query', at: '' };

/** Leaves out the looks that failed. Pure. */
export function withoutFailed(verified: VerifiedByPolicy): VerifiedByPolicy {
  const entries = Object.entries(verified).map(([policy, looks]) => [
    policy,
    Object.fromEntries(Object.entries(looks).filter(([, look]) => (look as Partial<Look>).at !== '')),
  ]);
  return Object.fromEntries(entries) as VerifiedByPolicy;
}
