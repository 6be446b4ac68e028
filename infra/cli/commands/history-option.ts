import { type Command, Option } from 'commander';
import { fromStorage, type HistorySource } from './history-source.ts';
import { namesStorage, type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/** Command line options that say where the history is read: from a storage account or from the running app. */
export interface HistoryOptions extends StorageOptions {
  readonly url?: string;
  readonly key?: string;
}

/** A paragraph for the help text of each command that reads the history. */
export const historyHelp = `With --storage or --endpoints, the command reads the history from the storage account. With --url, it asks the running app.
Without these options, it uses FUNCTION_APP_URL with FUNCTION_APP_KEY, or else AzureWebJobsStorage.`;

/** Adds to a command the options that say where the history is read. */
export function withHistoryOptions(command: Command): Command {
  return withStorageOptions(command)
    .addOption(
      new Option(
        '--url <functions-url>',
        'Reads the history from the running app at this address. Without this option: FUNCTION_APP_URL.',
      ).conflicts(['storage', 'endpoints']),
    )
    .option(
      '--key <function-key>',
      'Sets the function key of --url. Without this option: FUNCTION_APP_KEY, which the list of processes does not show.',
    );
}

/**
 * Opens the history that the options name, or else the environment.
 * @throws An Error whose message is one line and says what to do, when neither names a history. The message has no key.
 */
export async function historyOf(options: HistoryOptions): Promise<HistorySource> {
  const { FUNCTION_APP_URL, FUNCTION_APP_KEY } = process.env;
  const isStorage = options.storage !== undefined || options.endpoints !== undefined;
  const url = options.url ?? (isStorage ? undefined : FUNCTION_APP_URL || undefined);
  if (url !== undefined) {
    const { fromFunctions } = await import('./http-history.ts');
    return fromFunctions(url, options.key ?? (FUNCTION_APP_KEY || undefined));
  }
  if (options.key !== undefined) throw new Error('--key needs --url, the address of the app.');
  if (!isStorage && !namesStorage(process.env)) {
    throw new Error(
      'No source of the history: give --storage, --endpoints or --url, or set AzureWebJobsStorage or FUNCTION_APP_URL.',
    );
  }
  const { policies } = await import('../../../functions/policies/index.ts');
  return fromStorage(
    await storageOf(options),
    policies.map(({ name }) => name),
  );
}
