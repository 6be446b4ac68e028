import pMap from 'p-map';
import type { DriftRow, StoredRows } from '../../../drift/index.ts';
import type { WriteOnceBlobs } from '../../../storage/index.ts';
import { dayAfter, type Period } from '../day.ts';
import { identityOf, type RowIdentity, type RowLine, type TransitionLine } from '../lines.ts';
import { filesOf } from '../sealed-days.ts';
import { readLines } from '../sealed-files.ts';
import type { CheckedManifest } from './check-chain.ts';
import { differencesOf, type SealedRow } from './compare-row.ts';
import type { CoveredTime } from './covered.ts';
import { type ExpectedRows, idOf, type RowTable } from './expected-rows.ts';
import type { Report, SealFault } from './seal-fault.ts';

interface RowCheck {
  readonly blobs: WriteOnceBlobs;
  readonly rows: StoredRows;
  /** The days whose files are whole. */
  readonly days: readonly CheckedManifest[];
  readonly covered: CoveredTime;
  readonly expected: ExpectedRows;
  readonly report: Report;
}

/** Number of rows that are looked at closely at once. */
const rowsPerBatch = 2000;
const concurrentReads = 16;

/**
 * Compares all rows of the journal and of the timeline with the seals, and reports each row that differs. Reads both tables once. Rows that may
 * differ are then read once more, one by one, beside their lines in the seals.
 */
export async function checkRows(check: RowCheck): Promise<void> {
  const { rows, days, expected, report } = check;
  const newest = days.at(-1);
  if (newest === undefined) return;
  const suspects = new Map<number, Pick<RowIdentity, 'deviceId' | 'rowKey' | 'detectedAt'> | undefined>();
  let read = 0;
  const compare = (row: DriftRow, table: RowTable) => {
    if (!expected.compare(row, table)) suspects.set(idOf(row), row);
    if (++read % 1000 === 0) report.progress(`Comparing the ${table} with the seals: ${read} rows`);
  };
  for await (const page of rows.allInJournal()) for (const row of page) compare(row, 'journal');
  read = 0;
  for await (const page of rows.detected({ from: '', to: dayAfter(newest.day) }, false)) {
    for (const { row } of page) compare(row, 'timeline');
  }
  // Retention may have worked while the tables were read, so its time is read last.
  const retained = await retainedTime(rows);
  for (const id of expected.unseen(retained)) if (!suspects.has(id)) suspects.set(id, undefined);

  const waiting = [...suspects];
  for (let start = 0; start < waiting.length; start += rowsPerBatch) {
    report.progress(`Looking closely at ${waiting.length} rows`);
    const batch = new Map(waiting.slice(start, start + rowsPerBatch));
    const sealed = await linesAbout(new Set(batch.keys()), check);
    const faults = await pMap(batch, ([id, known]) => lookClosely(sealed.get(id), known, retained, check), {
      concurrency: concurrentReads,
    });
    for (const fault of faults.flat()) report.fault(fault);
  }
}

/** The time from which on retention has left the rows whole, in milliseconds since 1970. */
export async function retainedTime(rows: StoredRows): Promise<number> {
  const hour = await rows.retainedSince();
  return hour === '' ? Number.NEGATIVE_INFINITY : Date.parse(`${hour}:00:00Z`);
}

/** Reads the lines about some rows from the files of all days. */
async function linesAbout(
  ids: ReadonlySet<number>,
  { blobs, days }: RowCheck,
): Promise<ReadonlyMap<number, SealedRow>> {
  const sealed = new Map<number, SealedRow>();
  for (const { manifest } of days) {
    const day: Period = { from: manifest.from ?? undefined, to: manifest.to };
    for await (const line of readLines<RowLine>(blobs, filesOf(manifest, 'rows'))) {
      const id = idOf(line);
      if (!ids.has(id)) continue;
      const row = sealed.get(id);
      if (row === undefined) sealed.set(id, { identity: identityOf(line), line, lineTo: day.to, transitions: [] });
      else Object.assign(row, { line, lineTo: day.to });
    }
    for await (const line of readLines<TransitionLine>(blobs, filesOf(manifest, 'transitions'))) {
      sealed.get(idOf(line))?.transitions.push({ line, day });
    }
  }
  return sealed;
}

async function lookClosely(
  sealed: SealedRow | undefined,
  known: Pick<RowIdentity, 'deviceId' | 'rowKey' | 'detectedAt'> | undefined,
  retained: number,
  { rows, covered }: RowCheck,
): Promise<readonly SealFault[]> {
  const identity = sealed?.identity ?? known;
  if (identity === undefined) return [];
  const journal = await rows.inJournal(identity);
  const timeline =
    (await rows.inTimeline(identity)) ?? (known === undefined ? undefined : await rows.inTimeline(known));
  // A process that was killed can leave an outcome in the timeline that the journal gets when the device is looked at again.
  const tables = [
    ['journal', journal] as const,
    ...(journal?.outcome === 'pending' ? [] : [['timeline', timeline] as const]),
  ];
  return tables.flatMap(([table, stored]) => {
    if (sealed === undefined) return stored === undefined ? [] : slippedIn(table, stored, covered);
    if (stored === undefined) {
      if (Date.parse(sealed.identity.detectedAt) < retained) return [];
      const what = `The row is in the seal, and not in the ${table}.`;
      return [{ subject: 'row', fault: 'removed', table, row: sealed.identity, what } as const];
    }
    const differences = differencesOf(sealed, stored, covered);
    if (differences.length === 0) return [];
    return [{ subject: 'row', fault: 'changed', table, row: sealed.identity, what: differences.join(' ') } as const];
  });
}

function slippedIn(table: RowTable, stored: DriftRow, covered: CoveredTime): readonly SealFault[] {
  const course = stored.transitions ?? [];
  const first = course.find(({ at, outcome }) => outcome !== 'pending' && covered.has(at));
  if (first === undefined) return [];
  const what = `The row says that it was ${first.outcome} at ${first.at}, and the seal of that day does not have the row.`;
  return [{ subject: 'row', fault: 'slippedIn', table, row: identityOf(stored), what }];
}
