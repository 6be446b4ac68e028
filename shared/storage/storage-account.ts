import type { Identity } from '../identity/index.ts';
import type { RequestLimits } from './request-limits.ts';

/** A storage account and how the app signs in: a connection string, or the addresses of the services with an identity. */
export type StorageAccount = (
  | { readonly connectionString: string }
  | { readonly tableUri: string; readonly queueUri: string; readonly blobUri: string; readonly identity: Identity }
) & {
  /** The limits of an operation on a table, a queue or a blob. Default: {@link defaultRequestLimits}. */
  readonly limits?: RequestLimits;
};
