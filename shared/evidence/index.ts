/**
 * Evidence about what was in force. The history says what was found, and names the versions of the policies by their hashes. This folder keeps
 * the definition of each version, and since when which versions were in force, so that a row can be judged again years later. It also says when a
 * device was last looked at.
 *
 * @module
 */
export { type Difference, differences } from './differences.ts';
export { type LastVerified, lastVerified, oldestVerified } from './last-verified.ts';
export type { InForce, Period } from './periods.ts';
export { createPolicyVersions, type PolicyVersion, type PolicyVersions } from './policy-versions.ts';
