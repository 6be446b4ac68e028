import { decode, isSignedWith, parseSharedAccessSignature } from '../shared-access-signature.ts';
import { entityPath } from './address.ts';
import { Refusal } from './refusal.ts';

/** The shared access policy whose key signs the valid tokens. */
export interface AccessPolicy {
  readonly keyName: string;
  readonly key: string;
}

/** The access that a valid token gives: to `path` and all paths below it, until `expiresAt` in milliseconds since 1970. */
export interface Grant {
  readonly path: string;
  readonly expiresAt: number;
}

/**
 * Checks a token `SharedAccessSignature sr=…&sig=…&se=…&skn=…` as Event Hubs does. The token must have a signature with the policy's key,
 * must not be expired, and must be for the path `audience` or for a path above it. `now` is in milliseconds since 1970. Throws a `Refusal`
 * (`amqp:unauthorized-access`) whose message contains the reason.
 * https://learn.microsoft.com/azure/event-hubs/authenticate-shared-access-signature
 */
export function verifySasToken(text: string, audience: string, policy: AccessPolicy, now: number): Grant {
  const token = parseSharedAccessSignature(text);
  if (token === undefined) {
    throw unauthorized('MalformedToken: A token is SharedAccessSignature with sr, sig, skn, and se in whole seconds.');
  }
  const { policyName, expiry } = token;
  const resource = decode(token.resource);
  if (policyName !== policy.keyName) throw unauthorized(`InvalidSignature: There is no policy '${policyName}'.`);
  if (!isSignedWith(policy.key, token)) throw unauthorized('InvalidSignature: The token has an invalid signature.');
  const expiresAt = Number(expiry) * 1000;
  if (expiresAt <= now) {
    throw unauthorized(`ExpiredToken: The token is expired. Expiration time: ${expiryText(expiresAt)}.`);
  }
  const grant = { path: entityPath(resource).toLowerCase(), expiresAt };
  if (!covers(grant, entityPath(audience))) {
    throw unauthorized(`InvalidAudience: The token is for '${resource}', not for '${audience}'.`);
  }
  return grant;
}

/** The valid tokens of one connection, by the path for which each token is valid. */
export class Claims {
  readonly #grants = new Map<string, Grant>();

  /** Adds a grant. A new grant replaces the earlier grant for the same path, because the SDK renews its tokens. */
  add(grant: Grant): void {
    this.#grants.set(grant.path, grant);
  }

  /** Returns the refusal for `path` at the time `now`, or undefined if a token covers the path. `now` is in milliseconds since 1970. */
  refusal(path: string, now: number): Refusal | undefined {
    for (const grant of this.#grants.values()) if (covers(grant, path) && grant.expiresAt > now) return undefined;
    return unauthorized(
      `Unauthorized access. A valid token for '${path}' is required to perform this operation: put one to $cbs.`,
    );
  }
}

function covers(grant: Grant, path: string): boolean {
  const wanted = path.toLowerCase();
  return grant.path === '' || wanted === grant.path || wanted.startsWith(`${grant.path}/`);
}

function unauthorized(description: string): Refusal {
  return new Refusal('amqp:unauthorized-access', description);
}

/** The expiry time of a token as text, or `never` if the time is too large for a `Date`. */
function expiryText(milliseconds: number): string {
  return milliseconds <= 8.64e15 ? new Date(milliseconds).toISOString() : 'never';
}
