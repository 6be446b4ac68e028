import Table from 'cli-table3';
import { Command } from 'commander';
import {
  type CountedEvents,
  createDeadLetterList,
  createDeadLetters,
  createDeferredQueue,
  type DeadLetter,
  keptAnHour,
  replayDeadLetter,
} from '../../../shared/retry/index.ts';
import { safeJson, safeText } from '../view/safe-text.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/** Maximum number of counts of unusable events in the output. Each count is about one hour and one fault. */
const mostCounts = 100;

/** `twinkeeper dead-letters`: lists and replays dead letters. A dead letter is an event that is no longer retried automatically. */
export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').description(
    'Lists or replays dead letters: events that the app no longer retries.',
  );
  withStorageOptions(command.command('list', { isDefault: true }))
    .description('Lists the dead letters, newest first, and the numbers of unusable events that were only counted.')
    .option('--json', 'Prints one JSON object for each line, with the original event.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ twinkeeper dead-letters\n  $ twinkeeper dead-letters list --json | jq .reason',
    )
    .action(list);
  withStorageOptions(command.command('replay [ids...]'))
    .description('Puts dead letters back into the queue, so that the app tries their events again.')
    .option('--all', 'Replays all dead letters.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ twinkeeper dead-letters replay 98235…\n  $ twinkeeper dead-letters replay --all',
    )
    .action(replay);
  return command;
}

async function list({ json, ...storage }: StorageOptions & { readonly json?: true }): Promise<void> {
  const table = new Table({ head: ['id', 'given up', 'device', 'reason'], style: { head: [], border: [] } });
  for await (const deadLetter of givenUp(await open(storage))) {
    // Stops when the program that reads the output has ended, as in `twinkeeper dead-letters | head -1`.
    if (!process.stdout.writable) return;
    if (json) process.stdout.write(`${safeJson(deadLetter)}\n`);
    else
      table.push([deadLetter.id, deadLetter.at, safeText(deadLetter.deviceId, 128), safeText(deadLetter.reason, 400)]);
  }
  if (!json) process.stdout.write(table.length === 0 ? 'No dead letters.\n' : `${table.toString()}\n`);
  const counts = await createDeadLetterList(await storageOf(storage)).counts(mostCounts);
  if (json) for (const count of counts) process.stdout.write(`${safeJson({ countedOnly: true, ...count })}\n`);
  else if (counts.length > 0) process.stdout.write(`${describeCounts(counts)}\n`);
}

/** A table of the unusable events that were only counted. */
function describeCounts(counts: readonly CountedEvents[]): string {
  const head = ['fault', 'events', 'first', 'last', 'reason of the last'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { fault, count, firstAt, lastAt, reason } of counts) {
    table.push([fault, String(count), firstAt, lastAt, safeText(reason, 200)]);
  }
  return `Of each fault, the first ${keptAnHour} events in an hour are stored. These events were only counted:\n${table.toString()}`;
}

async function replay(
  ids: readonly string[],
  { all, ...storage }: StorageOptions & { readonly all?: true },
): Promise<void> {
  if (ids.length === 0 && !all)
    throw new Error('No dead letter is named: give ids from "twinkeeper dead-letters", or --all.');
  const store = await open(storage);
  const queue = createDeferredQueue(await storageOf(storage), store);
  const chosen = all ? (await Array.fromAsync(givenUp(store))).map(({ id }) => id) : ids;
  for (const id of chosen) {
    if (await replayDeadLetter(id, store, queue)) process.stdout.write(`${id} is back in the queue.\n`);
    else {
      process.stderr.write(`There is no dead letter ${id}; "twinkeeper dead-letters" lists them.\n`);
      process.exitCode = 1;
    }
  }
}

async function open(options: StorageOptions) {
  return createDeadLetters(await storageOf(options), () => new Date());
}

/** The dead letters whose events are no longer retried. The store also has parked dead letters. A retry of their events is still queued. */
async function* givenUp(store: ReturnType<typeof createDeadLetters>): AsyncGenerator<DeadLetter> {
  for await (const deadLetter of store.list()) if (deadLetter.state === 'dead') yield deadLetter;
}
