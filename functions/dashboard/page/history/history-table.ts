/** The table of history rows, newest first. A row keeps its `tr` element while it is shown, so the focus and the scroll position stay. */
import type { DriftRow } from '../../../api/history-answers.ts';
import { counted, el, fill, find, keyOf, printable, type RowKey, words } from '../markup/index.ts';
import { fillLine } from './history-line.ts';
import { makeAccessible, messageLine, moveWithArrows, openOnClick, skeletonLine } from './table-behaviour.ts';

/** Largest number of lines that the table keeps. The oldest lines are removed first. */
export const mostLines = 2000;

/** Shortest time between two announcements to screen readers, in milliseconds. */
const quiet = 8_000;

interface Line {
  row: DriftRow;
  readonly element: HTMLTableRowElement;
}

interface MergeOptions {
  /** True when rows that are not in the table yet are new drift. They are then highlighted and announced to screen readers. */
  readonly isNew: boolean;
  /** True when these rows replace all rows of the table. */
  readonly isAll: boolean;
  /** The text that is shown when the table has no rows. */
  readonly empty: string;
}

export interface HistoryTable {
  /** Removes all lines and shows grey bars until the next `merge`. */
  reset(): void;
  /** The row with this key, as the table shows it. Undefined when the table does not show it. */
  get(key: RowKey): DriftRow | undefined;
  size(): number;
  /** The row at this index: 0 is the newest row, -1 the oldest. */
  at(place: number): DriftRow | undefined;
  /**
   * Adds the rows to the table, or updates rows that the table already has. Returns the number of oldest rows that were removed because the
   * table was full.
   */
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
    fill(find('announce'), `${counted(unannounced.length, 'new drift row')}. Newest: ${text}.`);
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
      body.replaceChildren(skeletonLine());
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

/** Brings the child elements of `body` into this order. An element that is already in its place is not moved, so it keeps the focus. */
function arrange(body: HTMLElement, elements: readonly HTMLElement[]): void {
  const wanted = new Set<Element>(elements);
  for (const child of [...body.children]) if (!wanted.has(child)) child.remove();
  let next = body.firstElementChild;
  for (const element of elements) {
    if (element === next) next = next.nextElementSibling;
    else body.insertBefore(element, next);
  }
}
