import Table from 'cli-table3';
import { Command } from 'commander';
import { describeActor } from '../../../shared/actions/index.ts';
import {
  type CountedEvents,
  createDeadLetterList,
  createDeadLetters,
  createDeferredQueue,
  type DeadLetter,
  type DeadLetters,
  describeReplay,
  keptAnHour,
  replayDeadLetter,
} from '../../../shared/retry/index.ts';
import { commandLineActor, recordAction } from '../record-action.ts';
import { safeJson, safeText } from '../view/safe-text.ts';
import { type ReasonOptions, withReasonOption } from './reason-option.ts';
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
    .option('--replayed', 'Lists the letters that somebody replayed instead, with the time and the person.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ twinkeeper dead-letters\n  $ twinkeeper dead-letters list --json | jq .reason\n  $ twinkeeper dead-letters list --replayed',
    )
    .action(list);
  withReasonOption(withStorageOptions(command.command('replay [ids...]')))
    .description('Puts dead letters back into the queue, so that the app tries their events again.')
    .option('--all', 'Replays all dead letters.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ twinkeeper dead-letters replay 98235…\n  $ twinkeeper dead-letters replay --all --reason "the hub answers again"',
    )
    .action(replay);
  return command;
}

interface ListOptions extends StorageOptions {
  readonly json?: true;
  readonly replayed?: true;
}

async function list({ json, replayed, ...storage }: ListOptions): Promise<void> {
  const head = ['id', 'given up', 'device', 'reason', ...(replayed ? ['replayed', 'by'] : [])];
  const table = new Table({ head, style: { head: [], border: [] } });
  const store = await open(storage);
  for await (const letter of replayed ? store.list('replayed') : givenUp(store)) {
    // Stops when the program that reads the output has ended, as in `twinkeeper dead-letters | head -1`.
    if (!process.stdout.writable) return;
    if (json) process.stdout.write(`${safeJson(letter)}\n`);
    else table.push(cellsOf(letter));
  }
  const none = replayed ? 'No replayed letters.' : 'No dead letters.';
  if (!json) process.stdout.write(`${table.length === 0 ? none : table.toString()}\n`);
  if (replayed) return;
  const counts = await createDeadLetterList(await storageOf(storage)).counts(mostCounts);
  if (json) for (const count of counts) process.stdout.write(`${safeJson({ countedOnly: true, ...count })}\n`);
  else if (counts.length > 0) process.stdout.write(`${describeCounts(counts)}\n`);
}

function cellsOf({ id, at, deviceId, reason, replayed }: DeadLetter): string[] {
  const cells = [id, at, safeText(deviceId, 128), safeText(reason, 400)];
  return replayed === undefined ? cells : [...cells, replayed.at, safeText(replayed.by, 200)];
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

interface ReplayOptions extends StorageOptions, ReasonOptions {
  readonly all?: true;
}

async function replay(ids: readonly string[], { all, reason = '', ...options }: ReplayOptions): Promise<void> {
  if (ids.length === 0 && !all)
    throw new Error('No dead letter is named: give ids from "twinkeeper dead-letters", or --all.');
  const storage = await storageOf(options);
  const store = await open(options);
  const queue = createDeferredQueue(storage, store);
  const by = describeActor(commandLineActor());
  const chosen = all ? (await Array.fromAsync(givenUp(store))).map(({ id }) => id) : ids;
  for (const id of chosen) {
    const letter = await store.get(id);
    if (letter?.state !== 'dead') {
      process.stderr.write(`${await describeMissing(store, id)}\n`);
      process.exitCode = 1;
      continue;
    }
    const { deviceId } = letter;
    const isReplayed = await recordAction(
      storage,
      { action: 'replay', target: { deadLetterId: id, ...(deviceId === '' ? {} : { deviceId }) }, reason },
      () => replayDeadLetter(id, store, queue, by),
      describeReplay,
    );
    // Another process can have replayed the letter since it was read.
    process.stdout.write(
      isReplayed ? `${id} is back in the queue.\n` : `${id} has just been replayed by somebody else.\n`,
    );
  }
}

/** Why a letter cannot be replayed. */
async function describeMissing(store: DeadLetters, id: string): Promise<string> {
  const replayed = await store.replayOf(id);
  return replayed === undefined
    ? `There is no dead letter ${safeText(id, 64)}; "twinkeeper dead-letters" lists them.`
    : `${id} was replayed at ${replayed.at} by ${safeText(replayed.by, 200)}.`;
}

async function open(options: StorageOptions) {
  return createDeadLetters(await storageOf(options), () => new Date());
}

/** The dead letters whose events are no longer retried. The store also has parked dead letters. A retry of their events is still queued. */
async function* givenUp(store: DeadLetters): AsyncGenerator<DeadLetter> {
  for await (const deadLetter of store.list()) if (deadLetter.state === 'dead') yield deadLetter;
}
