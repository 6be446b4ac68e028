import { Command } from 'commander';
import type { SweepRow } from '../../../shared/sweep/store/index.ts';
import { askForSweep } from '../ask-for-sweep.ts';
import { recordAction } from '../record-action.ts';
import { safeJson, safeText } from '../view/safe-text.ts';
import { type ReasonOptions, withReasonOption } from './reason-option.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

interface SweepOptions extends StorageOptions, ReasonOptions {
  readonly wait?: boolean;
  readonly json?: true;
}

/** `twinkeeper sweep`: asks the running app for a sweep, and shows the progress and the result of the sweep. */
export function sweepCommand(): Command {
  return withReasonOption(withStorageOptions(new Command('sweep')))
    .summary('Asks the running app for a sweep, and waits until the sweep is done.')
    .description(
      'Asks the running app for a sweep, which finds drift that no event reported. Waits until the app has handled all drift that the ' +
        'sweep found. If a sweep is already running, waits for that sweep.',
    )
    .option('--wait', 'Waits until the sweep is done. This is the default.')
    .option('--no-wait', 'Returns at once.')
    .option('--json', 'Prints one JSON document: the row of the sweep.')
    .addHelpText(
      'after',
      `
The exit code is 0 when the sweep is done, and 1 when it is not, for example because the app is not running.

Examples:
  $ twinkeeper sweep
  $ twinkeeper sweep --endpoints endpoints.json --json | jq .changed
  $ twinkeeper sweep --no-wait`,
    )
    .action(sweep);
}

async function sweep({ wait, json, reason = '', ...options }: SweepOptions): Promise<void> {
  const storage = await storageOf(options);
  const asked = await recordAction(
    storage,
    { action: 'sweep', reason },
    () => askForSweep(storage),
    () => 'A sweep was requested.',
  );
  const { underWay } = asked;
  if (underWay !== undefined) process.stderr.write(`A sweep has been running since ${underWay.startedAt}.\n`);
  if (wait === false) {
    const answer = { state: 'asked', ...(underWay === undefined ? {} : { underWay: underWay.id }) };
    process.stdout.write(json ? `${safeJson(answer)}\n` : 'The app has been asked for a sweep.\n');
    return;
  }
  const { showProgress } = await import('../view/progress.ts');
  const progress = showProgress();
  const row = await asked.follow((current) => progress.show(describeProgress(current))).finally(() => progress.end());
  process.stdout.write(json ? `${safeJson(row)}\n` : `${describeSweep(row)}\n`);
}

function describeProgress({ state, hubCalls, examined, found, changed, parts, partsDone }: SweepRow): string {
  const phase = state === 'running' ? 'Querying the hub' : 'Repairing';
  return (
    `${phase}: ${count(examined, 'twin')} examined, ${count(found, 'drift row')} found, ${count(changed, 'repair')} made, ` +
    `${Math.min(parts, partsDone)} of ${count(parts, 'part')} done, ${count(hubCalls, 'hub call')}`
  );
}

/**
 * The result of a sweep as text for a person: times, counts, the policies for which the sweep read all modules, and the hub's automatic
 * configurations that compete with policies.
 */
function describeSweep(row: SweepRow): string {
  const { id, startedAt, endedAt, resumed, examined, found, changed, hubCalls, waiting, alreadyQueued, heldBack } = row;
  return [
    `Sweep ${id} is done: ${startedAt} to ${endedAt ?? '?'}${resumed > 0 ? `, resumed ${count(resumed, 'time')}` : ''}.`,
    `${count(examined, 'twin')} examined, ${count(found, 'drift row')} found, ${count(changed, 'repair')} made, ${count(hubCalls, 'hub call')}.`,
    ...(waiting > 0 ? [`${count(waiting, 'device')} still waiting in the queue for a retry.`] : []),
    ...(alreadyQueued > 0 ? [`${count(alreadyQueued, 'device')} already in the queue from an earlier sweep.`] : []),
    ...(heldBack > 0 ? [`${count(heldBack, 'module')} held back by a guard and unchanged, so not read again.`] : []),
    ...[...row.warnings, ...row.walked, ...row.competing].map((sentence) => safeText(sentence, 400)),
  ].join('\n');
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}
