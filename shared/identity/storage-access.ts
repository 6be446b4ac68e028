import { type AccessCode, type AccessFault, accessFault } from './access-fault.ts';
import type { Identity } from './identity.ts';

/** The services of a storage account, and the role that the app needs on each. */
const roles = {
  table: 'Storage Table Data Contributor',
  queue: 'Storage Queue Data Contributor',
  blob: 'Storage Blob Data Owner',
} as const;

/** Thrown when a storage account refuses the caller, or when the caller got no token for it. The message says what is missing. */
export class StorageAccessError extends Error {
  override readonly name = 'StorageAccessError';
  readonly access: AccessCode;
  /** The HTTP status of the answer. 401 when no request was sent, because there was no token. */
  readonly statusCode: number;

  constructor({ code, message }: AccessFault, statusCode: number, cause: unknown) {
    super(message, { cause });
    this.access = code;
    this.statusCode = statusCode;
  }
}

/**
 * Explains an error of a storage SDK when the account refuses the caller. Any other error is returned as it is.
 * @param host the host of the service, for the message
 */
export function explainStorageError(
  error: unknown,
  identity: Identity | 'key',
  service: keyof typeof roles,
  host: string,
): unknown {
  const { statusCode } = (error ?? {}) as { readonly statusCode?: unknown };
  const fault = accessFault(error, statusCode, codeOf(error), {
    identity,
    action: `use ${service}s`,
    service: `the storage account (${host})`,
    role: roles[service],
  });
  return fault === undefined ? error : new StorageAccessError(fault, Number(statusCode ?? 401), error);
}

/** The code of the service's answer, or `''`. An answer to a HEAD request, and the error of a table transaction, have it only in a header. */
function codeOf(error: unknown): string {
  const { code, message, response } = (error ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly response?: { readonly headers?: { get(name: string): string | undefined } };
  };
  if (typeof code === 'string') return code;
  const named = /<Code>(\w+)<|"code"\s*:\s*"(\w+)"/.exec(String(message));
  return named?.[1] ?? named?.[2] ?? response?.headers?.get('x-ms-error-code') ?? '';
}
