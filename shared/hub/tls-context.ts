import tls, { type SecureContext } from 'node:tls';

/**
 * Creates a TLS context that trusts a certificate authority in PEM format, and those of Node.js. Node reads all its certificate authorities
 * for each context, so all sockets of an agent share one context.
 */
export function contextThatTrusts(ca: string): SecureContext {
  return tls.createSecureContext({ ca: [...tls.getCACertificates('default'), ca] });
}
