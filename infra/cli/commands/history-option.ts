import { type Command, Option } from 'commander';
import { fromStorage, type HistorySource } from './history-source.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/** How a command is told where the history is. */
export interface HistoryOptions extends StorageOptions {
  readonly url?: string;
  readonly key?: string;
}

/** What every command that reads the history says of where it may be. */
export const historyHelp = `Where the history is: --storage or --endpoints read the storage account, --url asks the running app. Without any of them, the
environment says it: FUNCTION_APP_URL with FUNCTION_APP_KEY, or else AzureWebJobsStorage.`;

/** Adds the options that choose where the history is read from. */
export function withHistoryOptions(command: Command): Command {
  return withStorageOptions(command)
    .addOption(
      new Option(
        '--url <functions-url>',
        'ask the running app (default: FUNCTION_APP_URL of the environment)',
      ).conflicts(['storage', 'endpoints']),
    )
    .option('--key <function-key>', 'its function key (default: FUNCTION_APP_KEY, which no list of processes shows)');
}

/** The history that the options or the environment name. Throws with the way out when none does; keys are never shown. */
export async function historyOf(options: HistoryOptions): Promise<HistorySource> {
  const { FUNCTION_APP_URL, FUNCTION_APP_KEY } = process.env;
  const isStorage = options.storage !== undefined || options.endpoints !== undefined;
  const url = options.url ?? (isStorage ? undefined : FUNCTION_APP_URL || undefined);
  if (url !== undefined) {
    const { fromFunctions } = await import('./http-history.ts');
    return fromFunctions(url, options.key ?? (FUNCTION_APP_KEY || undefined));
  }
  if (options.key !== undefined) throw new Error('--key goes with --url: say which app it opens.');
  if (!isStorage && !process.env.AzureWebJobsStorage && !process.env.AzureWebJobsStorage__accountName) {
    throw new Error(
      'No history: give --storage, --endpoints or --url, or set AzureWebJobsStorage or FUNCTION_APP_URL in the environment.',
    );
  }
  const { policies } = await import('../../../functions/policies/index.ts');
  return fromStorage(
    await storageOf(options),
    policies.map(({ name }) => name),
  );
}
