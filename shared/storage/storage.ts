import type { TableClient } from '@azure/data-tables';
import type { QueueClient } from '@azure/storage-queue';

/** Which storage account, and how to get in: a connection string, or an account's name and the app's own identity. */
export type StorageAccount = { readonly connectionString: string } | { readonly accountName: string };

/** A table that is there: made when it was missing. The SDK is loaded on first use, because an app that is starting has no need of it. */
export async function openTable(account: StorageAccount, name: string): Promise<TableClient> {
  const { TableClient: Client } = await import('@azure/data-tables');
  const table =
    'connectionString' in account
      ? Client.fromConnectionString(account.connectionString, name, {
          allowInsecureConnection: speaksPlainHttp(account.connectionString),
        })
      : new Client(`https://${account.accountName}.table.core.windows.net`, name, await appIdentity());
  // Answers quietly when the table exists already.
  await table.createTable();
  return table;
}

/** A queue that is there: made when it was missing. */
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

/** Storage emulators speak plain HTTP, which the SDK takes only when asked to. */
function speaksPlainHttp(connectionString: string): boolean {
  return /UseDevelopmentStorage=true|DefaultEndpointsProtocol=http(;|$)|TableEndpoint=http:/i.test(connectionString);
}
