import type { BlobServiceClient } from '@azure/storage-blob';
import { credentialOf } from '../identity/index.ts';
import { explainRefusals } from './explain-refusals.ts';
import { clientOptions, defaultRequestLimits } from './request-limits.ts';
import type { StorageAccount } from './storage-account.ts';

/** Opens the blob service of a storage account. The Azure SDK is loaded on the first call. */
export async function openBlobService(account: StorageAccount): Promise<BlobServiceClient> {
  const { BlobServiceClient: Client, RestError } = await import('@azure/storage-blob');
  const { retryOptions } = clientOptions(account.limits ?? defaultRequestLimits, RestError);
  const client =
    'connectionString' in account
      ? Client.fromConnectionString(account.connectionString, { retryOptions })
      : new Client(account.blobUri, await credentialOf(account.identity), { retryOptions });
  return explainRefusals(client, account, 'blob');
}
