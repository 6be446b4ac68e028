import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { StorageAccount } from '../../../shared/storage/index.ts';

/** How a command is told which storage account holds the history. */
export interface StorageOptions {
  readonly storage?: string;
  readonly endpoints?: string;
}

/** Adds the options that choose the storage account. */
export function withStorageOptions(command: Command): Command {
  return command
    .option(
      '--storage <connection-string>',
      'storage account of the app (default: AzureWebJobsStorage of the environment)',
    )
    .option('--endpoints <file>', 'file that "twinkeeper local --endpoints <file>" has written');
}

/**
 * The storage account that the options or the environment name. Throws with the way out when none does, or when the SDKs could make
 * nothing of it; what it holds is secret and never shown.
 */
export async function storageOf({ storage, endpoints }: StorageOptions): Promise<StorageAccount> {
  if (storage !== undefined) return { connectionString: await checked(storage, '--storage') };
  if (endpoints !== undefined) return { connectionString: await fromEndpoints(endpoints) };
  const { AzureWebJobsStorage: connectionString, AzureWebJobsStorage__accountName: accountName } = process.env;
  if (connectionString) return { connectionString: await checked(connectionString, 'AzureWebJobsStorage') };
  if (accountName) {
    if (/^[a-z0-9]{3,24}$/.test(accountName)) return { accountName };
    throw new Error(
      'AzureWebJobsStorage__accountName is no storage account name: it must be 3 to 24 lower-case letters and digits.',
    );
  }
  throw new Error('No storage account: give --storage or --endpoints, or set AzureWebJobsStorage.');
}

async function fromEndpoints(file: string): Promise<string> {
  const { storageConnectionString } = parse(await readFile(file, 'utf8'), file) ?? {};
  if (typeof storageConnectionString === 'string') {
    return checked(storageConnectionString, `The storageConnectionString of ${file}`);
  }
  throw new Error(`${file} has no storageConnectionString: is it from "twinkeeper local --endpoints"?`);
}

function parse(text: string, file: string): { readonly storageConnectionString?: unknown } | null {
  try {
    return JSON.parse(text);
  } catch {
    // The parser quotes what it stumbled over, which may be a key.
    throw new Error(`${file} is not valid JSON: is it from "twinkeeper local --endpoints"?`);
  }
}

/** Lets the SDKs judge, who will have to get on with it. Their own messages name neither where it comes from nor the way out. */
async function checked(connectionString: string, source: string): Promise<string> {
  const [{ TableServiceClient }, { QueueServiceClient }] = await Promise.all([
    import('@azure/data-tables'),
    import('@azure/storage-queue'),
  ]);
  try {
    for (const client of [TableServiceClient, QueueServiceClient]) {
      new URL(client.fromConnectionString(connectionString).url);
    }
    return connectionString;
  } catch {
    throw new Error(
      `${source} is no storage connection string: it must look like ` +
        'DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net',
    );
  }
}
