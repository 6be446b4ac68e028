import { describeIdentity, type Identity } from './identity.ts';

/**
 * Why access failed. `noToken`: the identity got no token. `unauthenticated`: the service does not accept the token or the key. `forbidden`: a
 * role is missing. `network`: the network rules of the service refuse the caller. `keysDisabled`: the service accepts no keys.
 */
export type AccessCode = 'noToken' | 'unauthenticated' | 'forbidden' | 'network' | 'keysDisabled';

export interface AccessFault {
  readonly code: AccessCode;
  /** Who tried what, on what, and what is missing. One or two sentences, without secrets and without the last full stop. */
  readonly message: string;
}

/** What was tried, in the words of the message. */
export interface Attempted {
  readonly identity: Identity | 'key';
  /** What the call does, such as `read twins`. */
  readonly action: string;
  /** The service, such as `the IoT hub plant-hub.azure-devices.net`. */
  readonly service: string;
  /** The role that allows the action to an identity. */
  readonly role: string;
  /** The rights of a shared access policy that allow the action, when the service has such policies. */
  readonly rights?: string;
}

/** The names of the errors with which `@azure/identity` says that there is no token. */
const tokenErrors = new Set([
  'AggregateAuthenticationError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'CredentialUnavailableError',
]);

/** Whether an error says that no token could be had. The SDKs wrap such an error in errors of their own. */
function isTokenError(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; cause instanceof Error && depth < 5; depth++) {
    if (tokenErrors.has(cause.name)) return true;
    cause = cause.cause;
  }
  return false;
}

/**
 * Explains why a service refused the caller.
 *
 * @param error the error of an SDK
 * @param status the HTTP status of the service's answer, when there was one
 * @param serviceCode the code in the service's answer, such as `AuthorizationFailure`
 * @returns `undefined` when the call failed for another reason
 */
export function accessFault(
  error: unknown,
  status: unknown,
  serviceCode: string,
  attempted: Attempted,
): AccessFault | undefined {
  const { identity, action, service, role, rights } = attempted;
  const who = describeIdentity(identity);
  const tried = `${who} tried to ${action} on ${service}`;
  if (isTokenError(error)) {
    return { code: 'noToken', message: `${who} got no token for ${service}. ${adviceOnToken(identity)}` };
  }
  if (serviceCode === 'KeyBasedAuthenticationNotPermitted') {
    return { code: 'keysDisabled', message: `${tried}, which accepts no keys. Use an identity` };
  }
  const answer = serviceCode === '' ? String(status) : `${status}, ${serviceCode}`;
  // IoT Hub answers 401 with this code when an identity has no role for the call.
  if (status === 401 && identity !== 'key' && serviceCode !== 'IotHubUnauthorized') {
    return { code: 'unauthenticated', message: `${tried}, which does not accept its token (${answer})` };
  }
  // Storage answers 403 to a wrong key.
  if ((status === 403 && serviceCode === 'AuthenticationFailed') || (status === 401 && rights === undefined)) {
    return { code: 'unauthenticated', message: `${tried}, which does not accept it (${answer})` };
  }
  if (status !== 403 && status !== 401) return undefined;
  if (/^(Authorization|IpAuthorization)Failure$|IpFilter/i.test(serviceCode)) {
    if (identity === 'key') {
      return {
        code: 'unauthenticated',
        message: `${tried}, which does not accept it, or refuses this network (${answer})`,
      };
    }
    return { code: 'network', message: `${tried}, whose network rules refuse this caller (${answer})` };
  }
  const missing =
    identity === 'key'
      ? `Its shared access policy needs ${rights ?? 'more rights'}, or the key is not the policy's`
      : `The role ${role} is missing there. A new role takes some minutes`;
  return { code: 'forbidden', message: `${tried} and was refused (${answer}). ${missing}` };
}

function adviceOnToken(identity: Identity | 'key'): string {
  return identity !== 'key' && identity.type === 'managed'
    ? 'Check that the function app has this identity, and that the setting with its client id is right'
    : 'Sign in with "azd auth login" or "az login", or give the app a managed identity';
}
