/** Checks the shared access signatures of IoT Hub's service API ("Control access to IoT Hub with shared access signatures"). */
import type { AccessRight } from './access.ts';
import { HubError } from './errors.ts';
import { decode, isSignedWith, parseSharedAccessSignature } from './shared-access-signature.ts';

/** A shared access policy of the hub: its name, its key in Base64, and its rights. */
export interface SasPolicy {
  readonly name: string;
  readonly key: string;
  readonly rights: readonly AccessRight[];
}

/** The rules for valid tokens: the policies that may sign them, and the resource URIs (`sr`, in lower case) that they may name. */
export interface SasRules {
  readonly policies: readonly SasPolicy[];
  readonly resources: readonly string[];
}

/**
 * Checks the token in an `Authorization` header. Returns the shared access policy that signed the token. Throws 401 unless the token is for
 * this hub, has a correct signature and is not expired.
 */
export function signerOf(
  header: string | undefined,
  rules: SasRules,
  nowSeconds: number = Date.now() / 1000,
): SasPolicy {
  const token = parseSharedAccessSignature(header ?? '');
  const policy = rules.policies.find(({ name }) => name === token?.policyName);
  if (token === undefined || policy === undefined) throw unauthorized();
  const isSigned = isSignedWith(Buffer.from(policy.key, 'base64'), token);
  const isForThisHub = rules.resources.includes(decode(token.resource).toLowerCase());
  if (!isSigned || !isForThisHub || Number(token.expiry) <= nowSeconds) throw unauthorized();
  return policy;
}

function unauthorized(): HubError {
  return new HubError('IotHubUnauthorizedAccess', 'Unauthorized');
}
