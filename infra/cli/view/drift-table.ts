/** History rows as a table. Pure. */
import { createColors } from 'picocolors';
import type { DriftRow } from '../../../shared/drift/index.ts';
import type { Json } from '../../../shared/twin/index.ts';
import { plainTable } from './plain-table.ts';
import { safeText } from './safe-text.ts';

/** Where a table goes: to a terminal so many columns wide, or, without `columns`, to a file or another program, which cuts nothing. */
export interface TablePlace {
  readonly columns?: number;
  readonly colour: boolean;
}

/** A table that can be added to: its columns keep their widths. */
export interface DriftTable {
  readonly head: string;
  row(row: DriftRow): string;
}

/** No cell is longer than this where nothing else bounds it. */
const longestCell = 200;

interface Column {
  readonly title: string;
  readonly text: (row: DriftRow) => string;
  /** Columns that it takes, where that is known. */
  readonly width?: number;
  /** What it gets of the space that is left on a terminal, in parts. */
  readonly parts?: number;
  /** Terminals narrower than this do without. */
  readonly from?: number;
}

const columns: readonly Column[] = [
  { title: 'detected (UTC)', width: 19, text: ({ detectedAt }) => timeOf(detectedAt) },
  { title: 'outcome', width: 9, text: ({ outcome }) => outcome },
  { title: 'device', parts: 4, text: ({ deviceId }) => deviceId },
  { title: 'module', parts: 4, from: 120, text: ({ moduleId }) => moduleId || '(device twin)' },
  { title: 'policy', parts: 4, from: 150, text: ({ policy }) => policy },
  { title: 'property', parts: 5, text: (row) => whatOf(row) },
  { title: 'actual → expected', parts: 6, from: 70, text: (row) => changeOf(row, 60) },
  { title: 'why', parts: 4, from: 150, text: ({ error, message }) => error ?? message ?? '' },
];

/**
 * Makes the head, and one line for each row. Without a terminal, `sample` decides how wide the columns are, and nothing is cut but what is
 * longer than any column should be. Nothing in a row can do a terminal any harm.
 */
export function driftTable({ columns: width, colour }: TablePlace, sample: readonly DriftRow[]): DriftTable {
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

/** The colour that says at a glance what came of a departure: green for mended, red for given up, yellow for still out of line. */
export function paintOutcome(outcome: string, paint: ReturnType<typeof createColors>): (text: string) => string {
  const { green, red, yellow, dim } = paint;
  if (outcome === 'created' || outcome === 'enforced') return green;
  if (outcome === 'healed' || outcome === 'gone') return dim;
  return outcome === 'failed' ? red : yellow;
}

/** `2026-11-22 05:10:11`, for a time in ISO 8601 and UTC. */
export function timeOf(at: string): string {
  return at.slice(0, 19).replace('T', ' ');
}

/** What a row is about: a property, without the section's name where that is a long one, or the module as a whole. Others wrote it. */
export function whatOf({ kind, path }: DriftRow): string {
  if (kind === 'missingModule') return '(module)';
  return path.replace(/^[^.]{24,}\./, '') || `(${kind})`;
}

/** What was there, and what should be, each at most so long. Others wrote it. */
export function changeOf({ kind, actual, expected }: DriftRow, longest: number): string {
  const show = (value: Json | undefined) => (value === undefined ? '(none)' : safeText(JSON.stringify(value), longest));
  return kind === 'missingModule' ? '(none) → baseline' : `${show(actual)} → ${show(expected)}`;
}

function shareOut(width: number, shown: readonly Column[]): readonly number[] {
  const fixed = shown.reduce((sum, column) => sum + (column.width ?? 0), 2 * (shown.length - 1));
  const parts = shown.reduce((sum, column) => sum + (column.parts ?? 0), 0);
  return shown.map(
    (column) => column.width ?? Math.max(4, Math.floor(((width - fixed) * (column.parts ?? 0)) / parts)),
  );
}

function widthsFor(sample: readonly DriftRow[], shown: readonly Column[]): readonly number[] {
  return shown.map(({ title, text }, index) => {
    // Later rows may be longer than those of the sample: the last column, and what is likely to be long, has room for them.
    if (index === shown.length - 1) return 2 * longestCell;
    return Math.max(title.length, ...sample.map((row) => widestOf(safeText(text(row), longestCell))));
  });
}

/** How many columns a text takes at most: characters beyond ASCII may take two. */
function widestOf(text: string): number {
  return [...text].reduce((sum, character) => sum + (character > '~' ? 2 : 1), 0);
}
