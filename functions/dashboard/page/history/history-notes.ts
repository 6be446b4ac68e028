/** The notes around the history table. They say how many rows are shown, and how to see further rows. */
import { type Child, clockOf, count, dayOf, fill, find, iso, refill } from '../markup/index.ts';
import { link } from '../view/index.ts';
import type { List } from './history-list.ts';
import { type HistoryTable, mostLines } from './history-table.ts';

export function showNotes(list: List, table: HistoryTable): void {
  const { older, isShort, isCut, isHeld } = list;
  const size = table.size();
  const isFull = isCut || (older !== undefined && size >= mostLines);
  fill(find('history-count'), size === 0 ? '' : `${count(size)}${older === undefined && !isCut ? '' : '+'} shown`);
  const more = find('more');
  more.hidden = older === undefined || isFull;
  fill(more, isShort ? 'Search further' : 'Show older');
  find('held').hidden = !isHeld;
  refill(find('rows-note'), isFull ? fullNote(list, table) : partNote(list));
}

function fullNote({ question }: List, table: HistoryTable): Child {
  const oldest = Date.parse(table.at(-1)?.detectedAt ?? question.from);
  const before = `the rows up to ${dayOf(oldest)} ${clockOf(oldest)}`;
  return [
    `The list is full: it shows ${count(table.size())} rows. To see more, open `,
    link({ from: question.from, to: iso(oldest + 1), range: undefined }, {}, before),
    ', choose a shorter time, or export all rows as CSV.',
  ];
}

function partNote({ isShort, isRestarted, older }: List): Child {
  if (isShort) {
    return 'The search is not complete. A part of the time range has not been searched yet.';
  }
  return (
    isRestarted &&
    older !== undefined &&
    'Many new rows have arrived, so the list starts again at the newest row. "Show older" shows the earlier rows.'
  );
}
