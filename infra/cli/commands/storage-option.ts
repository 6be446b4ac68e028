import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { storageAccountOf } from '../../../functions/settings.ts';
import type { StorageAccount } from '../../../shared/storage/index.ts';

/** Command line options that name the storage account of the app. */
export interface StorageOptions {
  readonly storage?: string;
  readonly endpoints?: string;
}

/** Adds to a command the options that name the storage account of the app. */
export function withStorageOptions(command: Command): Command {
  return command
    .option(
      '--storage <connection-string>',
      'Names the storage account of the app. Without this option: AzureWebJobsStorage.',
    )
    .option('--endpoints <file>', 'Uses a file that "twinkeeper local --endpoints <file>" wrote.');
}

/**
 * The storage account that the options name, or else the environment.
 * @throws An Error whose message is one line and says what to do, when no storage account is named or the connection string is malformed.
 * The message has no secret.
 */
export async function storageOf({ storage, endpoints }: StorageOptions): Promise<StorageAccount> {
  if (storage !== undefined) return { connectionString: await checked(storage, '--storage') };
  if (endpoints !== undefined) return { connectionString: await fromEndpoints(endpoints) };
  const given = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''));
  const { AzureWebJobsStorage, AzureWebJobsStorage__accountName, AzureWebJobsStorage__tableServiceUri } = given;
  if (AzureWebJobsStorage !== undefined) {
    return { connectionString: await checked(AzureWebJobsStorage, 'AzureWebJobsStorage') };
  }
  if (AzureWebJobsStorage__accountName !== undefined && !/^[a-z0-9]{3,24}$/.test(AzureWebJobsStorage__accountName)) {
    throw new Error(
      'AzureWebJobsStorage__accountName is not the name of a storage account: it must be 3 to 24 lower-case letters and digits.',
    );
  }
  // The command signs in as the person who calls it, not as the app: the app's identity exists only in Azure.
  if (AzureWebJobsStorage__accountName !== undefined || AzureWebJobsStorage__tableServiceUri !== undefined) {
    return storageAccountOf(given, { type: 'default' });
  }
  throw new Error('No storage account: give --storage or --endpoints, or set AzureWebJobsStorage.');
}

/** Whether the environment names a storage account. */
export function namesStorage(environment: Readonly<Record<string, string | undefined>>): boolean {
  return ['AzureWebJobsStorage', 'AzureWebJobsStorage__accountName', 'AzureWebJobsStorage__tableServiceUri'].some(
    (name) => Boolean(environment[name]),
  );
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
    // The message of the JSON parser is not shown: it could quote a key.
    throw new Error(`${file} is not valid JSON: is it from "twinkeeper local --endpoints"?`);
  }
}

/**
 * Checks a connection string with the SDKs that will use it. The error message names the option or setting that holds the connection
 * string. The error messages of the SDKs do not.
 */
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
      `${source} is not a storage connection string: it must look like ` +
        'DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net',
    );
  }
}
