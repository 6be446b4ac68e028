import type { StoredActions } from '../../../actions/index.ts';
import type { StoredRows } from '../../../drift/index.ts';
import type { WriteOnceBlobs } from '../../../storage/index.ts';
import { dayAfter, dayOf } from '../day.ts';
import type { RowLine, TransitionLine } from '../lines.ts';
import { contents } from '../manifest.ts';
import { readSealedDay } from '../sealed-days.ts';
import { FileFault, readLines } from '../sealed-files.ts';
import { checkActions } from './check-actions.ts';
import { type CheckedManifest, checkChain, type DayRange } from './check-chain.ts';
import { checkRows, retainedTime } from './check-rows.ts';
import { CoveredTime } from './covered.ts';
import { DayOfRows, ExpectedRows } from './expected-rows.ts';
import type { Report } from './seal-fault.ts';

export interface VerifyOptions {
  readonly blobs: WriteOnceBlobs;
  readonly rows: StoredRows;
  readonly actions: StoredActions;
  readonly range: DayRange;
  /** Hashes of manifests that were kept elsewhere. Each must be that of a manifest of the range. */
  readonly keptHashes?: readonly string[];
  readonly report: Report;
  now(): Date;
}

/** What was compared. */
export interface Verified {
  /** Number of days with a manifest that can be read. */
  readonly days: number;
  /** The first and the last of these days. */
  readonly first: string;
  readonly last: string;
  /** The SHA-256 of the manifest of the last day. All earlier manifests depend on it. */
  readonly lastSha256: string;
  /** Number of rows in the seals of these days. */
  readonly rows: number;
  /** Number of days that were not compared with the tables, because their files are damaged. */
  readonly notCompared: number;
  /** What is older may have been removed by retention, ISO 8601. Absent when retention has removed nothing. */
  readonly retainedSince?: string;
}

/** Checks the seals, and compares the tables with them. `undefined` when no day of the range is sealed. */
export async function verifySeals({
  blobs,
  rows,
  actions,
  range,
  keptHashes = [],
  report,
  now,
}: VerifyOptions): Promise<Verified | undefined> {
  const lastWhole = dayAfter(dayOf(now()), -1);
  const manifests = await checkChain(blobs, range, lastWhole, report);
  const [first, last] = [manifests[0], manifests.at(-1)];
  if (first === undefined || last === undefined) return undefined;

  for (const kept of keptHashes) {
    if (manifests.some(({ sha256 }) => sha256 === kept)) continue;
    const what = `No manifest of these days has the SHA-256 ${kept}, which was kept elsewhere.`;
    report.fault({ subject: 'manifest', fault: 'changed', day: last.day, what });
  }

  const covered = new CoveredTime();
  const expected = new ExpectedRows(covered);
  const whole: CheckedManifest[] = [];
  for (const stored of manifests) {
    report.progress(`Checking the files of ${stored.day}`);
    const day = await readDay(blobs, stored, report);
    if (day === undefined) continue;
    expected.add(day);
    covered.add(stored.manifest);
    whole.push(stored);
  }
  await checkRows({ blobs, rows, days: whole, covered, expected, report });
  const retained = await retainedTime(rows);
  // The last hour that retention has begun is removed in part: rows stay until the hour is over, actions do not.
  const retainedActions = retained + 3600_000;
  const after = (await readSealedDay(blobs, dayAfter(last.day)))?.manifest;
  await checkActions({ blobs, actions, days: whole, after, covered, retained: retainedActions, report });
  return {
    ...{ days: manifests.length, first: first.day, last: last.day, lastSha256: last.sha256 },
    ...{ rows: expected.size, notCompared: manifests.length - whole.length },
    ...(Number.isFinite(retained) ? { retainedSince: new Date(retained).toISOString() } : {}),
  };
}

/** Reads all files of a day. Reports each damaged file. `undefined` when there is one. */
async function readDay(
  blobs: WriteOnceBlobs,
  { day, manifest }: CheckedManifest,
  report: Report,
): Promise<DayOfRows | undefined> {
  const rows = new DayOfRows({ from: manifest.from ?? undefined, to: manifest.to });
  let isWhole = true;
  // The files of rows come before those of transitions.
  for (const file of contents.flatMap((content) => manifest.files.filter((each) => each.content === content))) {
    try {
      for await (const line of readLines<unknown>(blobs, [file])) {
        if (file.content === 'rows') rows.addRow(line as RowLine);
        else if (file.content === 'transitions') rows.addTransition(line as TransitionLine);
      }
    } catch (error) {
      if (!(error instanceof FileFault)) throw error;
      isWhole = false;
      report.fault({ subject: 'file', fault: error.fault, day, name: file.name, what: error.message });
    }
  }
  return isWhole ? rows : undefined;
}
