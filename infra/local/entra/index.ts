/**
 * The part of Microsoft Entra ID that an app with a managed identity needs. In Azure, an app has no secret of its own: the platform gives it
 * the address of an identity endpoint, and the endpoint gives out tokens of the app's identity. Here the same protocol runs on this machine,
 * so the unmodified `@azure/identity` signs in, and the local hub knows who calls and which roles the caller has.
 * @module
 */
export { type IdentityEndpointAddress, startIdentityEndpoint } from './identity-endpoint.ts';
export type { AssignedRole, CustomRole, ManagedIdentity } from './managed-identity.ts';
export { TokenIssuer } from './token-issuer.ts';
