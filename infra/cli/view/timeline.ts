/** The history of one device as text, day by day. Pure functions. */
import { createColors } from 'picocolors';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { changeOf, paintOutcome, subjectOf, type TableDestination } from './drift-table.ts';
import { plainTable } from './plain-table.ts';
import { safeText } from './safe-text.ts';

/**
 * Renders the rows of the history, with a title for each day. The newest row is last. The text has no control characters that could harm a
 * terminal.
 */
export function renderTimeline(newestFirst: readonly DriftRow[], { columns, colour }: TableDestination): string {
  const paint = createColors(colour);
  const oldestFirst = newestFirst.toSorted((a, b) =>
    a.detectedAt < b.detectedAt ? -1 : a.detectedAt > b.detectedAt ? 1 : 0,
  );
  // If the output is not a terminal, only texts of more than 200 characters are cut.
  const longest = columns === undefined ? 200 : Math.max(8, Math.floor((columns - 45) / 3));
  const rows = oldestFirst.map((row) => [
    `  ${row.detectedAt.slice(11, 19)}`,
    paintOutcome(row.outcome, paint)(safeText(row.outcome, 10)),
    safeText(row.moduleId || '(device twin)', longest),
    safeText(subjectOf(row), longest),
    safeText(changeOf(row, Math.max(8, Math.floor(longest / 2))), longest),
    paint.dim(describeRepair(row)),
  ]);
  // All days share one table, so that the columns have the same widths on all days.
  const lines = rows.length === 0 ? [] : plainTable([], rows).split('\n');
  return oldestFirst
    .flatMap((row, index) => {
      const day = row.detectedAt.slice(0, 10);
      const isNew = day !== oldestFirst[index - 1]?.detectedAt.slice(0, 10);
      const why = row.error ?? row.message;
      return [
        ...(isNew ? [paint.bold(`${day} (UTC)`)] : []),
        lines[index] ?? '',
        ...(why === undefined ? [] : [paint.dim(`            ${safeText(why, 300)}`)]),
        ...courseOf(row).map((line) => paint.dim(`            ${line}`)),
      ];
    })
    .join('\n');
}

/** The outcomes of a row that had more than one, a line each. */
function courseOf({ transitions = [] }: DriftRow): readonly string[] {
  if (transitions.length < 2) return [];
  return transitions.map(({ at, outcome, reason, by, times, omitted }) => {
    const left = omitted === undefined ? '' : `(${omitted} more before) `;
    const often = times === undefined ? '' : `, ${times} times`;
    const cause = by === undefined ? '' : ` by ${safeText(by, 10)}`;
    const why = reason === undefined ? '' : `: ${safeText(reason, 200)}`;
    return `${left}${safeText(at.slice(0, 19), 19)}Z ${safeText(outcome, 10)}${cause}${often}${why}`;
  });
}

/**
 * How the drift of a row was detected (`event`, `sweep` or `manual`). If the drift was repaired, the time from detection to repair follows.
 */
function describeRepair({ source, detectedAt, outcome, outcomeAt }: DriftRow): string {
  const seconds = (Date.parse(outcomeAt) - Date.parse(detectedAt)) / 1000;
  const isRepaired = outcome === 'created' || outcome === 'enforced';
  return isRepaired && seconds >= 0 ? `${source}, ${duration(seconds)}` : source;
}

function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
