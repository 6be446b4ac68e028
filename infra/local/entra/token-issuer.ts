import { generateKeyPairSync } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { once } from '../../../shared/once.ts';
import type { ManagedIdentity } from './managed-identity.ts';

/** The tenant of all local identities. */
const tenantId = '00000000-0000-4000-8000-000000000002';
const issuer = `https://sts.windows.net/${tenantId}/`;

/** Seconds for which a token is valid. The tokens of managed identities are valid for a day. */
const lifetime = 24 * 60 * 60;

/**
 * Entra ID signs tokens with RS256. The local issuer signs with ES256, because such a key pair is made in a millisecond. Clients pass on a
 * token without reading it.
 */
const algorithm = 'ES256';

export interface IssuedToken {
  readonly token: string;
  /** When the token expires, in seconds since 1970. */
  readonly expiresAt: number;
}

/** Loads the library with the first token, so that the hub starts sooner. */
const loadJose = once(() => import('jose'));

/** Issues access tokens as Microsoft Entra ID does, and checks them. Each issuer has a key pair of its own, in memory only. */
export class TokenIssuer {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  /** Issues a token of an identity for a resource, such as `https://iothubs.azure.net`. `now` is in seconds since 1970. */
  async issue(
    { clientId, principalId }: Pick<ManagedIdentity, 'clientId' | 'principalId'>,
    resource: string,
    now = Math.floor(Date.now() / 1000),
  ): Promise<IssuedToken> {
    const { SignJWT } = await loadJose();
    const expiresAt = now + lifetime;
    const token = await new SignJWT({ appid: clientId, idtyp: 'app', oid: principalId, tid: tenantId, ver: '1.0' })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience(resource)
      .setSubject(principalId)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(expiresAt)
      .sign(this.#keys.privateKey);
    return { token, expiresAt };
  }

  /**
   * Returns the principal id of a token, or undefined unless this issuer signed the token, the token is for `resource`, and the token is
   * valid at `now`, in seconds since 1970. As in Entra ID, a slash at the end of the token's audience does not matter.
   */
  async principalOf(token: string, resource: string, now = Date.now() / 1000): Promise<string | undefined> {
    const { jwtVerify } = await loadJose();
    try {
      const { payload } = await jwtVerify<JWTPayload & { readonly oid?: unknown }>(token, this.#keys.publicKey, {
        algorithms: [algorithm],
        issuer,
        audience: [resource, `${resource}/`],
        currentDate: new Date(now * 1000),
        requiredClaims: ['exp', 'nbf', 'oid'],
      });
      return typeof payload.oid === 'string' ? payload.oid : undefined;
    } catch {
      return undefined;
    }
  }
}
