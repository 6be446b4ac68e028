/** History rows as a table. Pure. */
import { createColors } from 'picocolors';
import type { DriftRow } from '../../../shared/drift/index.ts';
import type { Json } from '../../../shared/twin/index.ts';
import { plainTable } from './plain-table.ts';
import { safeText } from './safe-text.ts';

/** The destination of a table. */
export interface TableDestination {
  /** The width of the terminal. Absent for a file or another program, where nothing is cut. */
  readonly columns?: number;
  readonly colour: boolean;
}

/** A table that is written row by row. Its columns keep their widths. */
export interface DriftTable {
  readonly head: string;
  row(row: DriftRow): string;
}

/** The most characters in a cell that has no other limit. */
const longestCell = 200;

interface Column {
  readonly title: string;
  readonly text: (row: DriftRow) => string;
  /** The width of the column in characters, when it is fixed. */
  readonly width?: number;
  /** The column's share of the remaining width of a terminal, relative to the shares of the others. */
  readonly share?: number;
  /** The column is shown on terminals that are at least this wide. */
  readonly from?: number;
}

const columns: readonly Column[] = [
  { title: 'detected (UTC)', width: 19, text: ({ detectedAt }) => timeOf(detectedAt) },
  { title: 'outcome', width: 9, text: ({ outcome }) => outcome },
  { title: 'device', share: 4, text: ({ deviceId }) => deviceId },
  { title: 'module', share: 4, from: 120, text: ({ moduleId }) => moduleId || '(device twin)' },
  { title: 'policy', share: 4, from: 150, text: ({ policy }) => policy },
  { title: 'property', share: 5, text: (row) => subjectOf(row) },
  { title: 'actual → expected', share: 6, from: 70, text: (row) => changeOf(row, 60) },
  { title: 'why', share: 4, from: 150, text: ({ error, message }) => error ?? message ?? '' },
];

/**
 * Makes the head and one line for each row. Without a terminal, the rows of `sample` determine the widths of the columns, and only cells
 * above 200 characters are cut. The text is safe for a terminal.
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

/** The colour of an outcome: green for mended, red for given up, dim for healed or gone, yellow for still out of line. */
export function paintOutcome(outcome: string, paint: ReturnType<typeof createColors>): (text: string) => string {
  const { green, red, yellow, dim } = paint;
  if (outcome === 'created' || outcome === 'enforced') return green;
  if (outcome === 'healed' || outcome === 'gone') return dim;
  return outcome === 'failed' ? red : yellow;
}

/** `2026-11-22 05:10:11`, for a time in ISO 8601 and UTC. */
function timeOf(at: string): string {
  return at.slice(0, 19).replace('T', ' ');
}

/**
 * The subject of a row: its property, without a long name of the first section, or the whole module. The text is not safe for a terminal.
 */
export function subjectOf({ kind, path }: DriftRow): string {
  if (kind === 'missingModule') return '(module)';
  return path.replace(/^[^.]{24,}\./, '') || `(${kind})`;
}

/** The actual and the expected value, each at most `longest` characters. */
export function changeOf({ kind, actual, expected }: DriftRow, longest: number): string {
  const show = (value: Json | undefined) => (value === undefined ? '(none)' : safeText(JSON.stringify(value), longest));
  return kind === 'missingModule' ? '(none) → baseline' : `${show(actual)} → ${show(expected)}`;
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
    // The last column has room for later rows that are longer than the sample.
    if (index === shown.length - 1) return 2 * longestCell;
    return Math.max(title.length, ...sample.map((row) => widestOf(safeText(text(row), longestCell))));
  });
}

/** The largest width of a text on a terminal. A character beyond ASCII may take two columns. */
function widestOf(text: string): number {
  return [...text].reduce((sum, character) => sum + (character > '~' ? 2 : 1), 0);
}
