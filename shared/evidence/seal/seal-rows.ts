import pMap from 'p-map';
import { type DriftRow, type PlacedRow, placeOf, type StoredRows } from '../../drift/index.ts';
import type { Candidates } from './candidates.ts';
import { transitionsIn } from './course.ts';
import type { Period } from './day.ts';
import { linesOf, type OpenLine, openLineOf } from './lines.ts';

/** Where the lines of rows go. */
export interface RowLineWriters {
  readonly rows: { add(line: object): Promise<void> };
  readonly transitions: { add(line: object): Promise<void> };
  readonly open: { add(line: object): Promise<void> };
}

export interface RowCounts {
  rows: number;
  transitions: number;
  open: number;
}

/** Number of rows that are read from the journal before their lines are written. A row can have 100 KB. */
const rowsPerBatch = 250;
const concurrentReads = 32;

/**
 * Writes the lines of all rows for a day, in the order of the timeline. Keeps some rows in memory.
 *
 * What happened to a row is taken from the journal, and not from the timeline: after a crash, the timeline can have an outcome that never
 * comes to be.
 *
 * @param openBefore The rows that were open at the end of the day before, in the order of the timeline. Those outside of `candidates` did not
 * change since then, and are taken over.
 */
export async function sealRows(
  stored: StoredRows,
  candidates: Candidates,
  day: Period,
  openBefore: AsyncIterable<OpenLine>,
  writers: RowLineWriters,
): Promise<RowCounts> {
  const counts: RowCounts = { rows: 0, transitions: 0, open: 0 };
  const unchanged = unchangedLines(openBefore, candidates)[Symbol.asyncIterator]();
  let next = await unchanged.next();

  const addOpen = async (line: OpenLine) => {
    await writers.open.add(line);
    counts.open++;
  };
  /** Takes over the lines of the day before whose place is before `place`, or all that are left. */
  async function takeOver(place?: string): Promise<void> {
    while (next.done !== true && (place === undefined || placeOf(next.value) < place)) {
      await addOpen(next.value);
      next = await unchanged.next();
    }
  }

  for (const range of candidates.ranges) {
    for await (const page of stored.detected(range, true)) {
      for (let start = 0; start < page.length; start += rowsPerBatch) {
        const batch = page.slice(start, start + rowsPerBatch);
        const current = await currentRows(stored, batch, day);
        for (const { place, row: listed } of batch) {
          const row = current.get(listed);
          if (row === undefined) continue;
          const lines = linesOf(row, day);
          if (lines !== undefined) {
            await writers.rows.add(lines.row);
            for (const line of lines.transitions) await writers.transitions.add(line);
            counts.rows++;
            counts.transitions += lines.transitions.length;
          }
          const open = openLineOf(row, day);
          if (open === undefined) continue;
          await takeOver(place);
          await addOpen(open);
        }
      }
    }
  }
  await takeOver();
  return counts;
}

/**
 * The rows as the journal has them, when something happened to them on the day. Otherwise the rows of the timeline. A row that the journal does
 * not have, or has with another time of detection, is left out: a process that was killed left the row of the timeline behind.
 */
async function currentRows(
  stored: StoredRows,
  batch: readonly PlacedRow[],
  day: Period,
): Promise<ReadonlyMap<DriftRow, DriftRow>> {
  const rows = batch.map(({ row }) => row);
  const current = new Map(rows.map((row) => [row, row]));
  const changed = rows.filter((row) => transitionsIn(row, day).length > 0);
  const readDevice = async ([deviceId, ofDevice]: [string, DriftRow[]]) => {
    const inJournal = await stored.ofDevice(
      deviceId,
      ofDevice.map(({ rowKey }) => rowKey),
    );
    for (const row of ofDevice) {
      const found = inJournal.get(row.rowKey);
      if (found?.detectedAt === row.detectedAt) current.set(row, found);
      else current.delete(row);
    }
  };
  await pMap(
    Map.groupBy(changed, ({ deviceId }) => deviceId),
    readDevice,
    { concurrency: concurrentReads },
  );
  return current;
}

async function* unchangedLines(lines: AsyncIterable<OpenLine>, candidates: Candidates): AsyncGenerator<OpenLine> {
  for await (const line of lines) {
    if (!candidates.has(placeOf(line))) yield line;
  }
}
