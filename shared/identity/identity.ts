import type { TokenCredential } from '@azure/identity';

/**
 * The identity with which the app signs in at a service. `default` takes what the environment offers, in the order of `DefaultAzureCredential`:
 * the variables `AZURE_…`, a managed identity, and on a machine of a person the sign-in of `az` or `azd`. `managed` is a managed identity and
 * nothing else; without a client id, it is the system-assigned one.
 */
export type Identity = { readonly type: 'default' } | { readonly type: 'managed'; readonly clientId?: string };

/** Credentials by client id, so that all clients of one identity share its tokens. */
const credentials = new Map<string, Promise<TokenCredential>>();

/** The credential of an identity. Loads `@azure/identity` on the first call, because the start of the app needs no token. */
export function credentialOf(identity: Identity): Promise<TokenCredential> {
  const key = identity.type === 'default' ? 'default' : `managed ${identity.clientId ?? ''}`;
  const credential = credentials.get(key) ?? createCredential(identity);
  credentials.set(key, credential);
  return credential;
}

async function createCredential(identity: Identity): Promise<TokenCredential> {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  if (identity.type === 'default') return new DefaultAzureCredential();
  return identity.clientId === undefined
    ? new ManagedIdentityCredential()
    : new ManagedIdentityCredential({ clientId: identity.clientId });
}

/** An identity in the words of an error message. */
export function describeIdentity(identity: Identity | 'key'): string {
  if (identity === 'key') return 'The key of the connection string';
  if (identity.type === 'default') return 'The identity of this environment';
  return identity.clientId === undefined ? 'The system-assigned identity' : `The managed identity ${identity.clientId}`;
}
