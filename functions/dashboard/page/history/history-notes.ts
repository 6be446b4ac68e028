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
  fill(more, isShort ? 'Look further' : 'Show older');
  find('held').hidden = !isHeld;
  refill(find('rows-note'), isFull ? fullNote(list, table) : partNote(list));
}

function fullNote({ question }: List, table: HistoryTable): Child {
  const oldest = Date.parse(table.at(-1)?.detectedAt ?? question.from);
  const before = `those up to ${dayOf(oldest)} ${clockOf(oldest)}`;
  return [
    `${count(table.size())} rows are shown, and this page keeps no more. Go on with `,
    link({ from: question.from, to: iso(oldest + 1), range: undefined }, {}, before),
    ', choose a shorter time, or export all of them as CSV.',
  ];
}

function partNote({ isShort, isRestarted, older }: List): Child {
  if (isShort) {
    return 'Few rows fit, and looking for them takes its time: a part of this time has not been looked at yet.';
  }
  return (
    isRestarted &&
    older !== undefined &&
    'So many rows have come meanwhile that the list begins anew. Those before it follow here:'
  );
}
