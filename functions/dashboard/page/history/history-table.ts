/** The table of the history, newest row first. A line keeps its element as long as its row is shown, so that focus and place stay. */
import type { DriftRow } from '../../../api/history-answers.ts';
import { counted, el, fill, find, keyOf, printable, type RowKey, words } from '../markup/index.ts';
import { fillLine } from './history-line.ts';
import { makeAccessible, messageLine, moveWithArrows, openOnClick } from './table-behaviour.ts';

/** The most lines that the table keeps. */
export const mostLines = 2000;

/** The shortest time, in milliseconds, between two announcements to screen readers. */
const quiet = 8_000;

interface Line {
  row: DriftRow;
  readonly element: HTMLTableRowElement;
}

interface MergeOptions {
  /** Rows that were not shown before are new to the reader. */
  readonly isNew: boolean;
  /** The rows replace all others. */
  readonly isAll: boolean;
  /** The text of a table without rows. */
  readonly empty: string;
}

export interface HistoryTable {
  /** Removes all lines, until the next answer. */
  reset(): void;
  /** The shown row with this key, as it is now. */
  get(key: RowKey): DriftRow | undefined;
  size(): number;
  /** The row in this place, counted from the newest, or with -1 from the oldest. */
  at(place: number): DriftRow | undefined;
  /** Adds rows or updates them. Returns the number of the oldest rows that were removed to make room. */
  merge(rows: readonly DriftRow[], options: MergeOptions): number;
}

export function createHistoryTable(): HistoryTable {
  const body = find('rows', HTMLTableSectionElement);
  let lines = new Map<string, Line>();
  let sorted: readonly Line[] = [];
  let announcedAt = 0;
  let unannounced: DriftRow[] = [];
  makeAccessible(body);
  openOnClick(body);
  moveWithArrows(body);

  function announce(): void {
    const [newest] = unannounced;
    if (newest === undefined || Date.now() - announcedAt < quiet) return;
    announcedAt = Date.now();
    const text = `${words(newest.kind)} on ${printable(newest.deviceId, 128)}, ${words(newest.outcome)}`;
    fill(find('announce'), `${counted(unannounced.length, 'new departure')}. Newest: ${text}.`);
    unannounced = [];
  }

  function addOrUpdate(row: DriftRow, isNew: boolean): void {
    const known = lines.get(keyOf(row));
    if (known === undefined) {
      const element = el('tr', { role: 'row', class: isNew ? 'new' : '' });
      fillLine(element, row);
      lines.set(keyOf(row), { row, element });
      if (isNew) unannounced.push(row);
    } else if (
      known.row.outcome !== row.outcome ||
      known.row.outcomeAt !== row.outcomeAt ||
      known.row.closedAt !== row.closedAt
    ) {
      fillLine(known.element, row);
      known.row = row;
    }
  }

  return {
    reset() {
      lines = new Map();
      sorted = [];
      unannounced = [];
      body.replaceChildren(messageLine('Loading…', 'empty loading'));
    },

    get: (key) => lines.get(keyOf(key))?.row,

    size: () => lines.size,

    at: (place) => sorted.at(place)?.row,

    merge(rows, { isNew, isAll, empty }) {
      if (isAll) {
        const kept = new Set(rows.map(keyOf));
        for (const key of lines.keys()) if (!kept.has(key)) lines.delete(key);
      }
      for (const row of rows) addOrUpdate(row, isNew);
      const all = [...lines.values()].toSorted((a, b) => Date.parse(b.row.detectedAt) - Date.parse(a.row.detectedAt));
      sorted = all.slice(0, mostLines);
      const removed = all.slice(mostLines);
      for (const { row } of removed) lines.delete(keyOf(row));
      arrange(body, sorted.length === 0 ? [messageLine(empty, 'empty')] : sorted.map(({ element }) => element));
      announce();
      return removed.length;
    },
  };
}

/** Puts elements into an order. Elements in their place are not touched: a focused one stays focused. */
function arrange(body: HTMLElement, elements: readonly HTMLElement[]): void {
  const wanted = new Set<Element>(elements);
  for (const child of [...body.children]) if (!wanted.has(child)) child.remove();
  let next = body.firstElementChild;
  for (const element of elements) {
    if (element === next) next = next.nextElementSibling;
    else body.insertBefore(element, next);
  }
}
