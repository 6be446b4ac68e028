import { basename } from 'node:path';
import { Command } from 'commander';
import { createDeadLetters, createDeferredQueue } from '../../../shared/retry/index.ts';
import { recordAction } from '../record-action.ts';
import { readEventFile } from './event-file.ts';
import { type ReasonOptions, withReasonOption } from './reason-option.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/** `twinkeeper replay FILE`: gives the events of a file to the running app. */
export function replayCommand(): Command {
  return withReasonOption(withStorageOptions(new Command('replay')))
    .description('Gives the running app the events of a file, as if the hub had sent them now.')
    .argument('<file>', 'A JSON file with an event { body, properties, systemProperties }, or with a list of events.')
    .addHelpText('after', '\nExample:\n  $ twinkeeper replay event.json --endpoints endpoints.json')
    .action(replay);
}

async function replay(file: string, { reason = '', ...options }: StorageOptions & ReasonOptions): Promise<void> {
  const storage = await storageOf(options);
  const queue = createDeferredQueue(
    storage,
    createDeadLetters(storage, () => new Date()),
  );
  const events = await readEventFile(file);
  const devices = [...new Set(events.map(({ deviceId }) => deviceId))];
  await recordAction(
    storage,
    { action: 'replay', target: devices.length === 1 ? { deviceId: devices[0] ?? '' } : {}, reason },
    async () => {
      for (const { event, type, deviceId, moduleId } of events) {
        await queue.put({ deviceId, events: [event], attempt: 0, reason: `replayed from ${file}` }, 0);
        process.stdout.write(
          `${type} of ${deviceId}${moduleId === '' ? '' : `/${moduleId}`} is in the queue of the app.\n`,
        );
      }
    },
    () => `Events of the file ${basename(file)} put into the queue: ${events.length}. Devices: ${devices.length}.`,
  );
}
