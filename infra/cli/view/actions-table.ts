/** Records of actions as a table. Pure functions. */
import { type ActionRecord, describeActor, describeTarget } from '../../../shared/actions/index.ts';
import { plainTable } from './plain-table.ts';
import { safeText } from './safe-text.ts';

/** Largest number of characters in any cell. Longer texts are cut. */
const longestCell = 200;
/** Smallest width of the table on a terminal, in characters. */
const narrowest = 80;

/** The width of each column in characters, or its share of the width that is left. */
const columns = [
  { title: 'began (UTC)', width: 19 },
  { title: 'action', width: 9 },
  { title: 'result', width: 7 },
  { title: 'by', share: 4 },
  { title: 'target', share: 4 },
  { title: 'reason', share: 5 },
] as const;

/**
 * Makes a table of actions. With `width`, the columns share the width of the terminal, and longer texts are cut. The table has no control
 * characters that could harm a terminal.
 */
export function actionsTable(actions: readonly ActionRecord[], width?: number): string {
  return plainTable(
    columns.map(({ title }) => title),
    actions.map(cellsOf),
    width === undefined ? undefined : widthsFor(Math.max(narrowest, width - 1)),
  );
}

function cellsOf({ at, action, result, by, target, reason }: ActionRecord): readonly string[] {
  const time = at.slice(0, 19).replace('T', ' ');
  const cells = [time, action, result, describeActor(by), describeTarget(target) || '(the app)', reason];
  return cells.map((cell) => safeText(cell, longestCell));
}

function widthsFor(width: number): readonly number[] {
  const fixed = columns.reduce((sum, column) => sum + ('width' in column ? column.width : 0), 0);
  const shares = columns.reduce((sum, column) => sum + ('share' in column ? column.share : 0), 0);
  // Two blanks are between two columns.
  const left = width - fixed - 2 * (columns.length - 1);
  return columns.map((column) => ('width' in column ? column.width : Math.floor((left * column.share) / shares)));
}
