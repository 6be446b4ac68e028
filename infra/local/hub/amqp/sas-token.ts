import { createHmac, timingSafeEqual } from 'node:crypto';
import { entityPath } from './address.ts';
import { Refusal } from './refusal.ts';

/** The shared access policy whose tokens are good. */
export interface AccessPolicy {
  readonly keyName: string;
  readonly key: string;
}

/** What a good token allows: everything at and below `path`, until `expiresAt` (milliseconds since 1970). */
export interface Grant {
  readonly path: string;
  readonly expiresAt: number;
}

/**
 * Checks `SharedAccessSignature sr=…&sig=…&se=…&skn=…` as Event Hubs does: signed with the policy's key, not expired, and for
 * `audience` or a path above it. Gives what the token allows, or throws a `Refusal` (`amqp:unauthorized-access`) that says what is wrong.
 * https://learn.microsoft.com/azure/event-hubs/authenticate-shared-access-signature
 */
export function verifySasToken(token: string, audience: string, policy: AccessPolicy, now: number): Grant {
  const [scheme, fields] = [token.slice(0, token.indexOf(' ')), token.slice(token.indexOf(' ') + 1)];
  if (scheme !== 'SharedAccessSignature') throw unauthorized('MalformedToken: The token is no SharedAccessSignature.');
  const values = new Map(
    fields.split('&').map((field): [string, string] => {
      const equals = field.indexOf('=');
      return [field.slice(0, equals), field.slice(equals + 1)];
    }),
  );
  const { sr, sig, se, skn } = Object.fromEntries(values);
  if (sr === undefined || sig === undefined || se === undefined || skn === undefined || !/^\d+$/.test(se)) {
    throw unauthorized('MalformedToken: The token lacks one of sr, sig, se and skn, or se is no number of seconds.');
  }
  if (decode(skn) !== policy.keyName) throw unauthorized(`InvalidSignature: There is no policy '${decode(skn)}'.`);
  const expected = createHmac('sha256', policy.key).update(`${sr}\n${se}`).digest();
  const given = Buffer.from(decode(sig), 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw unauthorized('InvalidSignature: The token has an invalid signature.');
  }
  const expiresAt = Number(se) * 1000;
  if (expiresAt <= now) {
    throw unauthorized(`ExpiredToken: The token is expired. Expiration time: ${expiry(expiresAt)}.`);
  }
  const grant = { path: entityPath(decode(sr)).toLowerCase(), expiresAt };
  if (!covers(grant, entityPath(audience))) {
    throw unauthorized(`InvalidAudience: The token is for '${decode(sr)}', not for '${audience}'.`);
  }
  return grant;
}

/** What one connection may do: the tokens that it has put, by the paths that they are for. */
export class Claims {
  readonly #grants = new Map<string, Grant>();

  /** A later token for the same path takes the place of the earlier one, as the SDK's renewals rely on. */
  add(grant: Grant): void {
    this.#grants.set(grant.path, grant);
  }

  /** Why `path` may not be used at `now`, or `undefined` where a good token covers it. */
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

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A token may claim any second, also one that no `Date` can hold. */
function expiry(milliseconds: number): string {
  return milliseconds <= 8.64e15 ? new Date(milliseconds).toISOString() : 'never';
}
