import { type DriftRow, driftKey, isOpen } from '../drift/index.ts';
import type { Twin, Write } from '../twin/index.ts';
import { clockSkew, wasCreatedByUs } from './end-outcome.ts';

/*
 * Operators and Twinkeeper can delete and create a module again and again. A missing period is a time in which the module is missing. A
 * period begins when the module or its device is deleted, or when the device is created. A period ends when the module is created. Each
 * policy has one row for each period.
 *
 * An event names the exact beginning of a period. A read only shows that the module is missing at the time of the read, so the row of a
 * read has no exact write. When the event of the same period arrives later, its exact write is put into that row. The row keeps its key.
 */

/** The beginning of a missing period, as an event reports it. */
export interface PeriodStart {
  readonly write: Write;
  /** The twin of the deleted module. Absent when the period begins with a new device. */
  readonly deletedTwin?: Twin;
}

/**
 * Finds the row of the missing period that begins with `start`. `undefined` when no row records this period.
 *
 * @param rows The `missingModule` rows of one module and one policy.
 */
export function rowOfPeriod(rows: readonly DriftRow[], { write, deletedTwin }: PeriodStart): DriftRow | undefined {
  const recorded = rows.find((row) => isSameWrite(row.write, write));
  if (recorded !== undefined) return recorded;
  const begin = Date.parse(write.at);
  const found = rows
    .filter((row) => mayTake(row, begin) && begin <= latestBegin(row) && !isDeletionAfter(row, deletedTwin))
    .toSorted((a, b) => Date.parse(a.detectedAt) - Date.parse(b.detectedAt))[0];
  if (found === undefined) return undefined;
  // When another period begins between the event and the read, the row of the read records that other period.
  const isSeparate = rows.some(
    (row) =>
      row !== found &&
      row.write.exact &&
      Date.parse(row.write.at) > begin &&
      Date.parse(row.write.at) <= Date.parse(found.detectedAt),
  );
  return isSeparate ? undefined : found;
}

/**
 * Whether the row records an earlier missing period than the one that begins with `start`. The module existed between the two periods, so
 * the row's period is over.
 */
export function isEarlier(row: DriftRow, { write, deletedTwin }: PeriodStart): boolean {
  return beginOf(row) < Date.parse(write.at) || isDeletionAfter(row, deletedTwin);
}

/** The time at which the module of the row was deleted, or was found to be missing, in milliseconds since 1970. */
export function beginOf({ write, detectedAt }: DriftRow): number {
  return Date.parse(write.exact ? write.at : detectedAt);
}

/** Whether two writes are the same operation of the hub. */
export function isSameWrite(left: Write, right: Write): boolean {
  return left.exact === right.exact && left.at === right.at && left.version === right.version;
}

/**
 * Whether a row can record the period that begins at this time. True for a row that a read has added. Also true when such a row has the
 * write of an earlier event: the read was later than both events, so it belongs to the later one.
 */
function mayTake(row: DriftRow, begin: number): boolean {
  if (!row.write.exact) return true;
  return row.rowKey !== driftKey(row) && Date.parse(row.write.at) < begin;
}

/**
 * The latest time at which the period of a row can begin, in milliseconds since 1970. A read has added the row, so the period began before
 * the read. The hub's clock may be ahead of the app's clock, so the difference of the clocks is added. It is not added for a `healed` row,
 * because the app only knows when it noticed the end. For a `created` row, the creation is another limit.
 */
function latestBegin(row: DriftRow): number {
  const read = Date.parse(row.detectedAt);
  if (isOpen(row)) return read + clockSkew;
  if (row.outcome === 'created') return Math.min(read + clockSkew, Math.max(read, Date.parse(row.outcomeAt)));
  return read;
}

/**
 * Whether the deleted module is the module that Twinkeeper created at the end of the row's period. The times are compared without tolerance
 * for different clocks. Otherwise the module of the period before, which Twinkeeper may have created shortly before this row, would also
 * match.
 */
function isDeletionAfter(row: DriftRow, deletedTwin: Twin | undefined): boolean {
  return row.outcome === 'created' && deletedTwin !== undefined && wasCreatedByUs(row, deletedTwin, 0);
}
