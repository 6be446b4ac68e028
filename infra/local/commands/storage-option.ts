import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { StorageAccount } from '../../../shared/drift/index.ts';

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

/** The storage account that the options or the environment name. Throws with the way out when none does. */
export async function storageOf({ storage, endpoints }: StorageOptions): Promise<StorageAccount> {
  if (storage !== undefined) return { connectionString: storage };
  if (endpoints !== undefined) return { connectionString: await fromEndpoints(endpoints) };
  const { AzureWebJobsStorage: connectionString, AzureWebJobsStorage__accountName: accountName } = process.env;
  if (connectionString) return { connectionString };
  if (accountName) return { accountName };
  throw new Error('No storage account: give --storage or --endpoints, or set AzureWebJobsStorage.');
}

async function fromEndpoints(file: string): Promise<string> {
  try {
    const { storageConnectionString } = JSON.parse(await readFile(file, 'utf8')) as {
      storageConnectionString?: unknown;
    };
    if (typeof storageConnectionString === 'string') return storageConnectionString;
  } catch (error) {
    throw new Error(`${file} cannot be read as an endpoints file: ${error instanceof Error ? error.message : error}`);
  }
  throw new Error(`${file} has no storageConnectionString: is it from "twinkeeper local --endpoints"?`);
}
