import { Command } from 'commander';
import { createDeadLetters, createDeferredQueue } from '../../../shared/retry/index.ts';
import { readEventFile } from './event-file.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/** `twinkeeper replay FILE`: gives the events of a file to the running app. */
export function replayCommand(): Command {
  return withStorageOptions(new Command('replay'))
    .description('Gives the running app the events of a file, as if the hub had sent them now.')
    .argument('<file>', 'A JSON file with an event { body, properties, systemProperties }, or with a list of events.')
    .addHelpText('after', '\nExample:\n  $ twinkeeper replay event.json --endpoints endpoints.json')
    .action(replay);
}

async function replay(file: string, options: StorageOptions): Promise<void> {
  const storage = await storageOf(options);
  const queue = createDeferredQueue(
    storage,
    createDeadLetters(storage, () => new Date()),
  );
  for (const { event, type, deviceId, moduleId } of await readEventFile(file)) {
    await queue.put({ deviceId, events: [event], attempt: 0, reason: `replayed from ${file}` }, 0);
    process.stdout.write(
      `${type} of ${deviceId}${moduleId === '' ? '' : `/${moduleId}`} is in the queue of the app.\n`,
    );
  }
}
