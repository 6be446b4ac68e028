/** The live view of the demo as text, for a terminal of a given size. Pure functions. */
import Table from 'cli-table3';
import { createColors } from 'picocolors';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { describeRow } from './describe-row.ts';
import { paintOutcome } from './drift-table.ts';
import { describeFleet } from './fleet-figures.ts';
import type { Figures } from './watcher.ts';

export interface Screen {
  readonly figures: Figures;
  /** Rows of the history, newest first. */
  readonly rows: readonly DriftRow[];
  readonly addresses: readonly string[];
  readonly notice: string;
}

export interface ScreenSize {
  readonly columns: number;
  readonly lines: number;
}

/** The table has no border, and only one space between columns, to leave more of the terminal's width for the texts. */
const plainTable = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: ' ' },
};

/** Number of lines outside the table: the title, the figures, empty lines, the table header and the notice. */
const otherLines = 9;

/** Renders the whole live view. The text fits the width of the terminal. It also fits the height if the terminal has 15 lines or more. */
export function renderScreen({ figures, rows, addresses, notice }: Screen, size: ScreenSize, colour: boolean): string {
  const colours = createColors(colour);
  const { bold, dim, green, yellow, red, cyan } = colours;
  const columns = Math.max(40, size.columns - 1);
  const widths = columnWidths(columns);
  const table = new Table({
    chars: plainTable,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    head: ['time', 'device', 'module', 'property', 'before → after', 'outcome'].map((title) => dim(title)),
    colWidths: widths,
    wordWrap: false,
  });
  const room = Math.max(3, size.lines - otherLines - addresses.length);
  for (const row of rows.slice(0, room)) {
    const { time, device, module, property, before, after, outcome } = describeRow(row);
    const paint = paintOutcome(row.outcome, colours);
    table.push([time, device, module, property, `${before} → ${after}`, paint(outcome)]);
  }
  const calls = Object.entries(figures.callsPerMinute).filter(([, count]) => count > 0);
  const total = calls.reduce((sum, [, count]) => sum + count, 0);
  const isCompliant = figures.counted > 0 && figures.compliant === figures.devices;
  // The text is cut before colours are added, because a cut could otherwise split a colour's escape sequence.
  const line = (label: string, text: string, paint: (text: string) => string = (plain) => plain) =>
    `${dim(label.padEnd(11))}${paint(cut(text, columns - 11))}`;
  return [
    bold(cut('Twinkeeper on one machine. Ctrl-C ends it.', columns)),
    '',
    line('fleet', describeFleet(figures), isCompliant ? green : yellow),
    line('drifts', `${figures.recorded} recorded, ${figures.repaired} repaired, ${figures.heldBack} held back`),
    line(
      'hub calls',
      `${total} a minute${total > 0 ? `: ${calls.map(([name, n]) => `${n} ${name}`).join(', ')}` : ''}`,
    ),
    '',
    rows.length === 0 ? dim('Nothing has drifted so far.') : table.toString(),
    '',
    ...addresses.map((address) => cyan(cut(address, columns))),
    ...(notice === '' ? [] : [red(cut(notice, columns))]),
  ].join('\n');
}

/**
 * The widths of the table's columns in characters. The columns for the time and the outcome have eight characters each. The other columns
 * share the rest.
 */
function columnWidths(columns: number): number[] {
  const word = 8;
  const rest = columns - 2 * word - 5;
  const shares = [0.24, 0.2, 0.28].map((share) => Math.max(4, Math.floor(rest * share)));
  const values = Math.max(4, rest - shares.reduce((sum, share) => sum + share, 0));
  return [word, ...shares, values, word];
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
