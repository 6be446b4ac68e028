import type { AssignedRole, IdentityEndpointAddress, ManagedIdentity } from './entra/index.ts';
import { twinkeeperPolicy } from './hub/credentials.ts';

/**
 * The managed identity of the app in the local system. The hub counts its calls under the same name as the calls of an app that signs in
 * with the shared access policy `twinkeeper`.
 */
const appIdentity = {
  name: twinkeeperPolicy,
  clientId: '00000000-0000-4000-8000-0000000000c1',
  principalId: '00000000-0000-4000-8000-0000000000a1',
} as const;

/** The identity of the app, with the roles that the deployment gives to it. */
export function appIdentityWith(roles: readonly AssignedRole[]): ManagedIdentity {
  return { ...appIdentity, roles };
}

/** The environment variables of an app with a managed identity: those that Azure sets, and those that the deployment sets. */
export function identityEnvironment({ endpoint, header }: IdentityEndpointAddress): Readonly<Record<string, string>> {
  return {
    IDENTITY_ENDPOINT: endpoint,
    IDENTITY_HEADER: header,
    AZURE_CLIENT_ID: appIdentity.clientId,
    AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
  };
}

/** The app settings with which the app calls the hub as its managed identity. */
export function identitySettings(hubHostName: string): Readonly<Record<string, string>> {
  return {
    IOTHUB_HOSTNAME: hubHostName,
    IOTHUB__credential: 'managedidentity',
    IOTHUB__clientId: appIdentity.clientId,
  };
}
