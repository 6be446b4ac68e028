/** Rows of the history as a table. Pure functions. */
import { createColors } from 'picocolors';
import type { DriftRow } from '../../../shared/drift/index.ts';
import type { Json } from '../../../shared/twin/index.ts';
import { plainTable } from './plain-table.ts';
import { safeText } from './safe-text.ts';

/** Where a table is shown: on a terminal, in a file, or in another program. */
export interface TableDestination {
  /** Width of the terminal in characters. Absent for a file or another program. The table is then as wide as its rows need. */
  readonly columns?: number;
  readonly colour: boolean;
}

/** A table that is written row by row. Its columns keep the same widths from the first row to the last. */
export interface DriftTable {
  readonly head: string;
  row(row: DriftRow): string;
}

/** Largest number of characters in any cell. Longer texts are cut. */
const longestCell = 200;

interface Column {
  readonly title: string;
  readonly text: (row: DriftRow) => string;
  /** Width of the column in characters. Absent when the width depends on the terminal. */
  readonly width?: number;
  /** The column's share of the width that the columns of fixed width leave, relative to the shares of the other columns. */
  readonly share?: number;
  /** Smallest width of a terminal, in characters, on which the column is shown. Absent when the column is always shown. */
  readonly from?: number;
}

const columns: readonly Column[] = [
  { title: 'detected (UTC)', width: 19, text: ({ detectedAt }) => timeOf(detectedAt) },
  { title: 'outcome', width: 10, text: ({ outcome }) => outcome },
  { title: 'device', share: 4, text: ({ deviceId }) => deviceId },
  { title: 'module', share: 4, from: 120, text: ({ moduleId }) => moduleId || '(device twin)' },
  { title: 'policy', share: 4, from: 150, text: ({ policy }) => policy },
  { title: 'property', share: 5, text: (row) => subjectOf(row) },
  { title: 'actual → expected', share: 6, from: 70, text: (row) => changeOf(row, 60) },
  { title: 'why', share: 4, from: 150, text: ({ error, message }) => error ?? message ?? '' },
];

/**
 * Makes a table: the table header, and a function that renders one row of the history as a line. On a terminal, the columns share the width
 * of the terminal. Elsewhere, the rows of `sample` determine the widths of the columns, and only texts of more than 200 characters are cut.
 * The lines have no control characters that could harm a terminal.
 */
export function driftTable({ columns: width, colour }: TableDestination, sample: readonly DriftRow[]): DriftTable {
  const paint = createColors(colour);
  const shown = columns.filter(({ from = 0 }) => width === undefined || width >= from);
  const widths = width === undefined ? widthsFor(sample, shown) : shareOut(Math.max(60, width - 1), shown);
  const line = (cells: readonly string[]) => plainTable([], [cells], widths);
  return {
    head: line(shown.map(({ title }) => paint.dim(title))),
    row: (row) =>
      line(
        shown.map(({ title, text }) => {
          const cell = safeText(text(row), longestCell);
          return title === 'outcome' ? paintOutcome(row.outcome, paint)(cell) : cell;
        }),
      ),
  };
}

/**
 * The colour of an outcome. Green: repaired (`created`, `enforced`). Red: `failed`. Dim: ended without a repair (`healed`, `superseded`,
 * `gone`, `retired`, `exempted`): that is no work of Twinkeeper. Yellow: all other outcomes, whose drift has not ended.
 */
export function paintOutcome(outcome: string, paint: ReturnType<typeof createColors>): (text: string) => string {
  const { green, red, yellow, dim } = paint;
  if (outcome === 'created' || outcome === 'enforced') return green;
  if (['healed', 'superseded', 'gone', 'retired', 'exempted'].includes(outcome)) return dim;
  return outcome === 'failed' ? red : yellow;
}

/** Formats a time in ISO 8601 and UTC as `2026-11-22 05:10:11`. */
function timeOf(at: string): string {
  return at.slice(0, 19).replace('T', ' ');
}

/**
 * The path of the property that a history row is about. `(module)` for a missing module, and `(baseline)` for a missing baseline. If the
 * first section of the path has a name of 24 characters or more, the path is without this section. The text may have control characters:
 * pass it through `safeText` before it goes to a terminal.
 */
export function subjectOf({ kind, path }: DriftRow): string {
  if (kind === 'missingModule') return '(module)';
  if (kind === 'missingBaseline') return '(baseline)';
  return path.replace(/^[^.]{24,}\./, '') || `(${kind})`;
}

/**
 * The actual value and the expected value of a row, as `actual → expected`. Each value has at most `longest` characters. When several writes
 * share the row, their number follows, as ` ×12`.
 */
export function changeOf({ kind, actual, expected, times }: DriftRow, longest: number): string {
  const show = (value: Json | undefined) => (value === undefined ? '(none)' : safeText(JSON.stringify(value), longest));
  return kind === 'missingModule' || kind === 'missingBaseline'
    ? '(none) → baseline'
    : `${show(actual)} → ${show(expected)}${times === undefined ? '' : ` ×${times}`}`;
}

function shareOut(width: number, shown: readonly Column[]): readonly number[] {
  const fixed = shown.reduce((sum, column) => sum + (column.width ?? 0), 2 * (shown.length - 1));
  const shares = shown.reduce((sum, column) => sum + (column.share ?? 0), 0);
  return shown.map(
    (column) => column.width ?? Math.max(4, Math.floor(((width - fixed) * (column.share ?? 0)) / shares)),
  );
}

function widthsFor(sample: readonly DriftRow[], shown: readonly Column[]): readonly number[] {
  return shown.map(({ title, text }, index) => {
    // The last column is wide enough for later rows whose texts are longer than those of `sample`.
    if (index === shown.length - 1) return 2 * longestCell;
    return Math.max(title.length, ...sample.map((row) => widestOf(safeText(text(row), longestCell))));
  });
}

/** The largest number of terminal columns that a text may take. A character outside ASCII may take two columns. */
function widestOf(text: string): number {
  return [...text].reduce((sum, character) => sum + (character > '~' ? 2 : 1), 0);
}
