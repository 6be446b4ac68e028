import type { ActionRecord, StoredActions } from '../../../actions/index.ts';
import type { WriteOnceBlobs } from '../../../storage/index.ts';
import { canonicalJson } from '../canonical-json.ts';
import { type ActionLine, actionLinesOf } from '../lines.ts';
import type { Manifest } from '../manifest.ts';
import { filesOf } from '../sealed-days.ts';
import { FileFault, readLines } from '../sealed-files.ts';
import type { CheckedManifest } from './check-chain.ts';
import type { CoveredTime } from './covered.ts';
import type { Report } from './seal-fault.ts';

interface ActionCheck {
  readonly blobs: WriteOnceBlobs;
  readonly actions: StoredActions;
  /** The days whose files are whole. */
  readonly days: readonly CheckedManifest[];
  /** The day after them. It has the actions of the last day that came late. */
  readonly after: Manifest | undefined;
  readonly covered: CoveredTime;
  /** Retention may have removed what is older than this time, milliseconds since 1970. */
  readonly retained: number;
  readonly report: Report;
}

/** An action as the seals have it. */
interface SealedAction {
  readonly began?: ActionLine;
  readonly ended?: ActionLine;
}

/**
 * Compares the record of actions with the seals. Operators act rarely, so that all actions fit into memory. Each action is stored once for each
 * question that can be asked: all copies must be there, and say the same.
 */
export async function checkActions({
  blobs,
  actions,
  days,
  after,
  covered,
  retained,
  report,
}: ActionCheck): Promise<void> {
  report.progress('Comparing the actions with the seals');
  const sealed = new Map<string, SealedAction>();
  for (const { manifest } of days) {
    for await (const line of readLines<ActionLine>(blobs, filesOf(manifest, 'actions'))) {
      sealed.set(line.id, { ...sealed.get(line.id), [line.event]: line });
    }
  }
  for (const line of after === undefined ? [] : await lateLines(blobs, after)) {
    if (covered.has(line.at)) sealed.set(line.id, { ...sealed.get(line.id), [line.event]: line });
  }
  const seen = new Set<string>();
  for await (const { copies, missing } of actions.all()) {
    const [record] = copies;
    if (record === undefined) continue;
    seen.add(record.id);
    const action = { id: record.id, at: record.at, action: record.action };
    const lines = sealed.get(record.id);
    const differences = new Set([
      ...copies.flatMap((copy) => differencesOf(copy, lines, covered)),
      ...(missing > 0 && lines !== undefined && Date.parse(record.at) >= retained
        ? [`${missing} of the copies that answer questions by kind and by policy are missing.`]
        : []),
    ]);
    if (differences.size === 0) continue;
    const what = [...differences].join(' ');
    report.fault({ subject: 'action', fault: lines === undefined ? 'slippedIn' : 'changed', action, what });
  }
  for (const [id, { began, ended }] of sealed) {
    const at = began?.at ?? ended?.at ?? '';
    // Retention removes actions by the begin. An action of which only the end is sealed here began on an earlier day.
    if (seen.has(id) || Date.parse(at) < retained || began === undefined) continue;
    const action = { id, at, ...(began.event === 'began' ? { action: began.action } : {}) };
    report.fault({
      subject: 'action',
      fault: 'removed',
      action,
      what: 'The action is in the seal, and not in the table.',
    });
  }
}

/** The lines of a day that is not checked. No lines when its files are damaged. */
async function lateLines(blobs: WriteOnceBlobs, manifest: Manifest): Promise<readonly ActionLine[]> {
  const lines: ActionLine[] = [];
  try {
    for await (const line of readLines<ActionLine>(blobs, filesOf(manifest, 'actions'))) lines.push(line);
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
  }
  return lines;
}

/** Says in which ways a stored action is not as the seals say. */
function differencesOf(
  stored: ActionRecord,
  sealed: SealedAction | undefined,
  covered: CoveredTime,
): readonly string[] {
  return actionLinesOf(stored)
    .flatMap((line) => {
      const before = sealed?.[line.event];
      const verb = line.event === 'began' ? 'began' : 'ended';
      if (before === undefined) {
        return covered.has(line.at) ? [`The table says that the action ${verb} at ${line.at}, and no seal does.`] : [];
      }
      const [sealedLine, storedLine] = [canonicalJson(before), canonicalJson(line)];
      return sealedLine === storedLine ? [] : [`The seal says ${sealedLine}, and the table says ${storedLine}.`];
    })
    .concat(
      sealed?.ended !== undefined && stored.endedAt === undefined
        ? [`The seal says that the action ended at ${sealed.ended.at}, and the table says that it has not ended.`]
        : [],
    );
}
