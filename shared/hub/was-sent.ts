/**
 * The codes of errors that come before a request is sent: the name of the hub is unknown, no connection was made, or TLS has failed. Source: the
 * Node.js documentation, "Common system errors" and "TLS (SSL)".
 */
const notSentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EPROTO',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** The names of errors of `@azure/identity`: without a token, no request is sent. */
const noTokenNames = new Set(['CredentialUnavailableError', 'AuthenticationError', 'AggregateAuthenticationError']);

/** Maximum number of causes that are looked at. */
const mostCauses = 5;

/**
 * Whether an error shows that the hub got no request. False for any other error: the connection may have broken after the hub had carried out
 * the call.
 */
export function wasSurelyNotSent(error: unknown): boolean {
  let current = error;
  for (let depth = 0; depth < mostCauses && typeof current === 'object' && current !== null; depth++) {
    const { code, name, cause, response } = current as Readonly<Record<string, unknown>>;
    if (response !== undefined) return false;
    if (notSentCodes.has(String(code)) || noTokenNames.has(String(name))) return true;
    current = cause;
  }
  return false;
}
