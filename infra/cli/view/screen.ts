/** The live view as text, for a terminal of a given size. Pure. */
import Table from 'cli-table3';
import { createColors } from 'picocolors';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { describeRow } from './describe-row.ts';
import type { Figures } from './watcher.ts';

export interface Screen {
  readonly figures: Figures;
  /** Newest first. */
  readonly rows: readonly DriftRow[];
  readonly addresses: readonly string[];
  readonly notice: string;
}

export interface ScreenSize {
  readonly columns: number;
  readonly lines: number;
}

/** No border, one space between columns: what a terminal is narrow for is the content. */
const plainTable = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: ' ' },
};

/** Beside the table: the figures, the empty lines, the notice. */
const otherLines = 9;

/** The whole screen, no line wider and, if there is room at all, no more lines than the terminal has. */
export function renderScreen({ figures, rows, addresses, notice }: Screen, size: ScreenSize, colour: boolean): string {
  const { bold, dim, green, yellow, red, cyan } = createColors(colour);
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
    const { time, device, module, what, before, after, outcome } = describeRow(row);
    const paint = outcome === 'created' || outcome === 'enforced' ? green : outcome === 'failed' ? red : yellow;
    table.push([time, device, module, what, `${before} → ${after}`, paint(outcome)]);
  }
  const share = figures.devices === 0 ? 100 : Math.floor((100 * figures.compliant) / figures.devices);
  const calls = Object.entries(figures.callsPerMinute).filter(([, count]) => count > 0);
  const total = calls.reduce((sum, [, count]) => sum + count, 0);
  const paintShare = share === 100 ? green : yellow;
  // Cut before it is coloured, so that no escape sequence is cut.
  const line = (label: string, text: string, paint: (text: string) => string = (plain) => plain) =>
    `${dim(label.padEnd(11))}${paint(cut(text, columns - 11))}`;
  return [
    bold(cut('Twinkeeper on one machine. Ctrl-C ends it.', columns)),
    '',
    line('fleet', `${figures.devices} devices, ${figures.compliant} compliant (${share} %)`, paintShare),
    line('drifts', `${figures.recorded} recorded, ${figures.mended} mended`),
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

/** Shares the width out: time and outcome are given what they need, the rest is for what can be long. */
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
