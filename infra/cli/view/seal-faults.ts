/** The text that `twinkeeper verify` shows. Pure functions. */
import { createColors } from 'picocolors';
import type { SealFault, Verified } from '../../../shared/evidence/seal/index.ts';
import { safeText } from './safe-text.ts';

type Colours = ReturnType<typeof createColors>;

/** Number of faults that are shown. `--json` has all of them. */
const mostFaults = 200;

const nothingSealed = `No day of this time is sealed, so nothing was compared.
The function "seal" seals each UTC day some minutes after its end. If the app has run for longer, look at the log of this function.
`;

/** What to do, by the subject of a fault. */
const advice: Readonly<Record<SealFault['subject'], string>> = {
  manifest: `Manifests: compare the hashes with those in the log of the function "seal", which is kept apart from the storage account.
  A day without a manifest that the log says was sealed has been removed. Days that were never sealed: look at the log for errors.`,
  file: `Files: the day was not compared with the tables. Look for an earlier version of the blob: the deployment keeps deleted blobs for seven days.`,
  row: `Rows: the files of the day have the row as it was. The logs of the storage account, if it has any, name who wrote the table.
  A row that slipped in may also have been written by an app whose clock was wrong.`,
  action: `Actions: the files of the day have the action as it was. An action of a command whose clock was wrong by more than a day also looks so.`,
};

/** Renders what was compared, each fault, and what to do about it. */
export function renderVerified(verified: Verified | undefined, faults: readonly SealFault[], colour: boolean): string {
  const colours = createColors(colour);
  if (verified === undefined) {
    const none = faults.length > 0 ? 'No manifest of this time can be read, so nothing was compared.\n' : nothingSealed;
    return [...shownFaults(faults, colours), none].join('');
  }
  const { days, first, last, lastSha256, rows, notCompared, retainedSince } = verified;
  const damaged = notCompared === 0 ? '' : `${notCompared} of these days could not be compared with the tables.\n`;
  const retained =
    retainedSince === undefined
      ? ''
      : `Retention has removed rows and actions from before ${retainedSince}: that is no fault.\n`;
  const kept = `SHA-256 of the manifest of ${last}: ${lastSha256}\nAll days before depend on it. Keep it elsewhere, and give it to --hash later.\n`;
  const verdict =
    faults.length === 0
      ? colours.green('Everything is as it was sealed.')
      : colours.red(`${faults.length} ${faults.length === 1 ? 'thing is' : 'things are'} not as sealed.`);
  const advices = [...new Set(faults.map(({ subject }) => subject))].map((subject) => `${advice[subject]}\n`);
  return [
    ...shownFaults(faults, colours),
    `Compared ${days} sealed ${days === 1 ? 'day' : 'days'}, ${first} to ${last}, with ${rows} rows.\n`,
    damaged,
    retained,
    kept,
    `${colours.bold(verdict)}\n`,
    ...(advices.length === 0 ? [] : ['\nWhat to do:\n', ...advices]),
  ].join('');
}

function shownFaults(faults: readonly SealFault[], colours: Colours): readonly string[] {
  const more = faults.length - mostFaults;
  return [
    ...faults.slice(0, mostFaults).map((fault) => `${colours.red(titleOf(fault))}\n  ${safeText(fault.what, 1000)}\n`),
    ...(more > 0 ? [`… and ${more} more: see --json.\n`] : []),
    ...(faults.length > 0 ? ['\n'] : []),
  ];
}

function titleOf(fault: SealFault): string {
  const verb = fault.fault === 'slippedIn' ? 'slipped in' : fault.fault;
  if (fault.subject === 'manifest') return `manifest ${verb}: ${fault.day}`;
  if (fault.subject === 'file') return `file ${verb}: ${safeText(fault.name)}`;
  if (fault.subject === 'action') {
    const { action = 'action', at, id } = fault.action;
    return `action ${verb}: ${safeText(action)} at ${safeText(at)}, id ${safeText(id)}`;
  }
  const { deviceId, moduleId, policy, path, kind, detectedAt, rowKey } = fault.row;
  const parts = [`device ${deviceId}`, moduleId && `module ${moduleId}`, `policy ${policy}`, path || kind];
  const named = parts.filter(Boolean).join(', ');
  return `row ${verb} (${fault.table}): ${safeText(`${named}, detected ${detectedAt}, row ${rowKey}`, 400)}`;
}
