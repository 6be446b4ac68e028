import Table from 'cli-table3';
import { Command } from 'commander';
import {
  createDeadLetters,
  createDeferredQueue,
  type DeadLetter,
  replayDeadLetter,
} from '../../../shared/retry/index.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/** `twinkeeper dead-letters`: what was given up, and how to put it back. */
export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').description('events that were given up, and putting them back');
  withStorageOptions(command.command('list', { isDefault: true }))
    .description('what was given up, newest first')
    .option('--json', 'one JSON object a line, with the original event')
    .addHelpText('after', '\nExamples:\n  twinkeeper dead-letters\n  twinkeeper dead-letters list --json | jq .reason')
    .action(list);
  withStorageOptions(command.command('replay [ids...]'))
    .description('put letters back: their events are tried again, and the letters are gone')
    .option('--all', 'all of them')
    .addHelpText(
      'after',
      '\nExamples:\n  twinkeeper dead-letters replay 98235…\n  twinkeeper dead-letters replay --all',
    )
    .action(replay);
  return command;
}

async function list({ json, ...storage }: StorageOptions & { readonly json?: true }): Promise<void> {
  const table = new Table({ head: ['id', 'given up', 'device', 'reason'], style: { head: [], border: [] } });
  for await (const letter of letters(await open(storage))) {
    // As in `… | head -1`: nobody wants the rest.
    if (!process.stdout.writable) return;
    if (json) process.stdout.write(`${JSON.stringify(letter)}\n`);
    else table.push([letter.id, letter.at, letter.deviceId, letter.reason]);
  }
  if (!json) process.stdout.write(table.length === 0 ? 'No dead letters.\n' : `${table.toString()}\n`);
}

async function replay(
  ids: readonly string[],
  { all, ...storage }: StorageOptions & { readonly all?: true },
): Promise<void> {
  if (ids.length === 0 && !all) throw new Error('Say which: ids from "twinkeeper dead-letters", or --all.');
  const store = await open(storage);
  const queue = createDeferredQueue(await storageOf(storage), store);
  const chosen = all ? (await Array.fromAsync(letters(store))).map(({ id }) => id) : ids;
  for (const id of chosen) {
    if (await replayDeadLetter(id, store, queue)) process.stdout.write(`${id} is put back.\n`);
    else {
      process.stderr.write(`There is no dead letter ${id}; "twinkeeper dead-letters" lists them.\n`);
      process.exitCode = 1;
    }
  }
}

async function open(options: StorageOptions) {
  return createDeadLetters(await storageOf(options), () => new Date());
}

/** Parked letters belong to a retry that is on its way: nobody's business here. */
async function* letters(store: ReturnType<typeof createDeadLetters>): AsyncGenerator<DeadLetter> {
  for await (const letter of store.list()) if (letter.state === 'dead') yield letter;
}
