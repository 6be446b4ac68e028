/** Finds out who sends a call to the service API, and what the caller may do. */
import type { ManagedIdentity, TokenIssuer } from '../entra/index.ts';
import type { Access } from './access.ts';
import { HubError } from './errors.ts';
import type { ReceivedRequest } from './http-listener.ts';
import { findRole } from './roles.ts';
import { type SasPolicy, signerOf } from './sas.ts';

/** The resource for which tokens of Entra ID must be issued. Source: "Control access to IoT Hub by using Microsoft Entra ID". */
const resource = 'https://iothubs.azure.net';

/** The sender of a call: a client with the key of a shared access policy, or a managed identity. */
export interface Caller {
  /** The name of the shared access policy or of the identity. */
  readonly name: string;
  /** Throws 401 unless the caller has the rights that the request needs. */
  authorize(needed: Access, request: Pick<ReceivedRequest, 'method' | 'segments'>): void;
}

export interface AuthenticatorOptions {
  readonly policies: readonly SasPolicy[];
  readonly identities?: readonly ManagedIdentity[];
  /** The issuer of the identities' tokens. Without it, the hub accepts no token of Entra ID. */
  readonly issuer?: TokenIssuer;
}

/** Authenticates the callers of one hub. The name of a policy and the name of an identity may be the same. */
export class Authenticator {
  readonly #policies: readonly SasPolicy[];
  readonly #issuer: TokenIssuer | undefined;
  readonly #principals: ReadonlyMap<string, Caller>;

  /** Throws an Error whose message is one line if an identity has a role that IoT Hub does not have. */
  constructor({ policies, identities = [], issuer }: AuthenticatorOptions) {
    this.#policies = policies;
    this.#issuer = issuer;
    this.#principals = new Map(identities.map((identity) => [identity.principalId, principal(identity)]));
  }

  /** The names of all callers that the hub knows. */
  get names(): readonly string[] {
    return [...new Set([...this.#policies, ...this.#principals.values()].map(({ name }) => name))];
  }

  /**
   * Returns the caller that an `Authorization` header names. `resources` are the URIs in lower case for which a shared access signature may
   * be. Throws 401 unless the header has a valid shared access signature or a valid token of a known principal.
   */
  async authenticate(header: string | undefined, resources: readonly string[]): Promise<Caller> {
    const token = /^Bearer (\S+)$/i.exec(header ?? '')?.[1];
    if (token === undefined) return client(signerOf(header, { policies: this.#policies, resources }));
    const principalId = await this.#issuer?.principalOf(token, resource);
    const caller = principalId === undefined ? undefined : this.#principals.get(principalId);
    if (caller === undefined) throw new HubError('IotHubUnauthorizedAccess', 'Unauthorized');
    return caller;
  }
}

function client({ name, rights }: SasPolicy): Caller {
  return {
    name,
    authorize({ right }) {
      if (!rights.includes(right)) throw new HubError('IotHubUnauthorizedAccess', 'Unauthorized');
    },
  };
}

function principal({ name, principalId, roles: assigned }: ManagedIdentity): Caller {
  const roles = assigned.map(findRole);
  return {
    name,
    authorize({ dataActions }, { method, segments }) {
      if (dataActions.every((action) => roles.some((role) => role.allows(action)))) return;
      const path = `/${segments.join('/')}`;
      const message = `Principal ${principalId} is not authorized for ${method} on ${path} due to no assigned permissions`;
      throw new HubError('IotHubUnauthorized', message);
    },
  };
}
