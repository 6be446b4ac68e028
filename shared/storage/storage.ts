import type { TableClient } from '@azure/data-tables';
import type { QueueClient } from '@azure/storage-queue';

/** A storage account and how the app signs in: a connection string, or the name of the account for the managed identity of the app. */
export type StorageAccount = { readonly connectionString: string } | { readonly accountName: string };

/**
 * Opens a table, and creates the table when it does not exist. The Azure SDK is loaded on the first call, because the start of the app
 * needs no table.
 */
export async function openTable(account: StorageAccount, name: string): Promise<TableClient> {
  const { TableClient: Client } = await import('@azure/data-tables');
  const table =
    'connectionString' in account
      ? Client.fromConnectionString(account.connectionString, name, {
          allowInsecureConnection: usesPlainHttp(account.connectionString),
        })
      : new Client(`https://${account.accountName}.table.core.windows.net`, name, await appIdentity());
  // `createTable` of the SDK does not throw when the table exists already.
  await table.createTable();
  return table;
}

/** Opens a queue, and creates the queue when it does not exist. The Azure SDK is loaded on the first call. */
export async function openQueue(account: StorageAccount, name: string): Promise<QueueClient> {
  const { QueueClient: Client, QueueServiceClient } = await import('@azure/storage-queue');
  const queue =
    'connectionString' in account
      ? QueueServiceClient.fromConnectionString(account.connectionString).getQueueClient(name)
      : new Client(`https://${account.accountName}.queue.core.windows.net/${name}`, await appIdentity());
  await queue.createIfNotExists();
  return queue;
}

async function appIdentity() {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}

/** True when a connection string names a storage emulator without TLS. The Azure SDK refuses plain HTTP unless an option allows it. */
function usesPlainHttp(connectionString: string): boolean {
  return /UseDevelopmentStorage=true|DefaultEndpointsProtocol=http(;|$)|TableEndpoint=http:/i.test(connectionString);
}
