import type { History } from './history.ts';
import type { DriftQuery } from './history-query.ts';
import { HourCounter } from './hour-counts.ts';
import { type Summary, SummaryCounter, startOf } from './summary.ts';
import { hourOf } from './timeline-keys.ts';

/** Maximum number of rows that one summary counts. */
const mostRows = 10_000;
const rowsPerPage = 1000;

/** Milliseconds after which a summary reads no further page. One page takes at most 15 s, and clients wait 20 s for an answer. */
const mostReadingTime = 4000;

/** A summary of the rows that match filters. */
export interface FilteredSummary extends Omit<Summary, 'compliance' | 'fleet' | 'countedAt'> {
  /**
   * The rows that were detected before this time are not all counted, ISO 8601: the filters match too many rows, or the search took too long.
   * Absent when all matching rows are counted.
   */
  readonly incompleteBefore?: string;
}

/**
 * Counts the rows that match filters, in whole hours, as {@link Rollups.summary} counts all rows. The roll-ups do not know combinations of
 * filters, so this function reads the rows, newest first, and is bounded in rows and in time.
 */
export async function summarizeRows(
  history: Pick<History, 'page'>,
  { from, to, ...filters }: DriftQuery & { readonly from: string; readonly to: string },
  {
    bucketHours,
    zone,
    now,
    mostRows: most = mostRows,
  }: { bucketHours: number; zone?: string | undefined; now(): Date; mostRows?: number },
): Promise<FilteredSummary> {
  const first = hourOf(from);
  const last = hourOf(new Date(Date.parse(to) - 1).toISOString());
  const end = Math.min(startOf(last) + 3_600_000, Math.max(now().getTime(), Date.parse(from)));
  const range = { from: new Date(startOf(first)).toISOString(), to: new Date(startOf(last) + 3_600_000).toISOString() };
  const hours = new Map<string, HourCounter>();
  const begun = now().getTime();
  let read = 0;
  let oldest = new Date(end).toISOString();
  let cursor: string | undefined;
  do {
    const page = await history.page({ ...filters, ...range }, Math.min(rowsPerPage, most - read), cursor);
    for (const row of page.rows) {
      const hour = hourOf(row.detectedAt);
      const counter = hours.get(hour) ?? new HourCounter();
      hours.set(hour, counter);
      counter.add(row);
      if (row.detectedAt < oldest) oldest = row.detectedAt;
    }
    read += page.rows.length;
    cursor = page.cursor;
  } while (cursor !== undefined && read < most && now().getTime() - begun < mostReadingTime);
  const counter = new SummaryCounter(first, bucketHours, zone);
  for (const [hour, counts] of [...hours].toSorted(([a], [b]) => (a < b ? -1 : 1))) counter.add(hour, counts.counts());
  const { compliance: _, fleet: __, ...counts } = counter.summary();
  return {
    from: range.from,
    to: new Date(end).toISOString(),
    ...counts,
    ...(cursor === undefined ? {} : { incompleteBefore: oldest }),
  };
}
