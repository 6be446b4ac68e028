import { type Command, Option } from 'commander';
import { fromStorage, type HistorySource } from './history-source.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/** Options that name the source of the history. */
export interface HistoryOptions extends StorageOptions {
  readonly url?: string;
  readonly key?: string;
}

/** The help text of commands that read the history. */
export const historyHelp = `Source of the history: --storage or --endpoints read the storage account, --url asks the running app. Without these options the
environment names the source: FUNCTION_APP_URL with FUNCTION_APP_KEY, or else AzureWebJobsStorage.`;

/** Adds the options that name the source of the history. */
export function withHistoryOptions(command: Command): Command {
  return withStorageOptions(command)
    .addOption(
      new Option(
        '--url <functions-url>',
        'ask the running app (default: FUNCTION_APP_URL of the environment)',
      ).conflicts(['storage', 'endpoints']),
    )
    .option(
      '--key <function-key>',
      'the function key of --url (default: FUNCTION_APP_KEY, which is not visible in the list of processes)',
    );
}

/** Opens the history that the options or the environment name. Throws one line with the way out when neither names one. Shows no key. */
export async function historyOf(options: HistoryOptions): Promise<HistorySource> {
  const { FUNCTION_APP_URL, FUNCTION_APP_KEY } = process.env;
  const isStorage = options.storage !== undefined || options.endpoints !== undefined;
  const url = options.url ?? (isStorage ? undefined : FUNCTION_APP_URL || undefined);
  if (url !== undefined) {
    const { fromFunctions } = await import('./http-history.ts');
    return fromFunctions(url, options.key ?? (FUNCTION_APP_KEY || undefined));
  }
  if (options.key !== undefined) throw new Error('--key needs --url, the address of the app.');
  if (!isStorage && !process.env.AzureWebJobsStorage && !process.env.AzureWebJobsStorage__accountName) {
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
