import type { TableClient } from '@azure/data-tables';
import type { QueueClient } from '@azure/storage-queue';
import { credentialOf } from '../identity/index.ts';
import { explainRefusals } from './explain-refusals.ts';
import { clientOptions, defaultRequestLimits } from './request-limits.ts';
import type { StorageAccount } from './storage-account.ts';

/**
 * Opens a table, and creates the table when it does not exist. The Azure SDK is loaded on the first call, because the start of the app
 * needs no table.
 * @throws {StorageAccessError} when the account refuses the caller. Each method of the client throws it too.
 */
export async function openTable(account: StorageAccount, name: string): Promise<TableClient> {
  const { TableClient: Client, RestError } = await import('@azure/data-tables');
  const options = clientOptions(account.limits ?? defaultRequestLimits, RestError);
  const client =
    'connectionString' in account
      ? Client.fromConnectionString(account.connectionString, name, {
          ...options,
          allowInsecureConnection: usesPlainHttp(account.connectionString),
        })
      : new Client(account.tableUri, name, await credentialOf(account.identity), options);
  const table = explainRefusals(client, account, 'table');
  // `createTable` of the SDK does not throw when the table exists already.
  await table.createTable();
  return table;
}

/**
 * Opens a queue, and creates the queue when it does not exist. The Azure SDK is loaded on the first call.
 * @throws {StorageAccessError} when the account refuses the caller. Each method of the client throws it too.
 */
export async function openQueue(account: StorageAccount, name: string): Promise<QueueClient> {
  const { QueueClient: Client, RestError } = await import('@azure/storage-queue');
  // The types of the SDK do not have `additionalPolicies` for queues. The code under them, which tables and queues share, does.
  const options = clientOptions(account.limits ?? defaultRequestLimits, RestError);
  const client =
    'connectionString' in account
      ? new Client(account.connectionString, name, options)
      : new Client(`${account.queueUri.replace(/\/$/, '')}/${name}`, await credentialOf(account.identity), options);
  const queue = explainRefusals(client, account, 'queue');
  await queue.createIfNotExists();
  return queue;
}

/** True when a connection string names a storage emulator without TLS. The Azure SDK refuses plain HTTP unless an option allows it. */
function usesPlainHttp(connectionString: string): boolean {
  return /UseDevelopmentStorage=true|DefaultEndpointsProtocol=http(;|$)|TableEndpoint=http:/i.test(connectionString);
}
