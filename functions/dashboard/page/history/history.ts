/**
 * The live list of history rows. The list reads new rows, and new outcomes of shown rows, again and again. No row is missing between the
 * newest and the oldest row of the list.
 */
import type { DriftRow } from '../../../api/history-answers.ts';
import { hour, iso } from '../markup/index.ts';
import { type List, newList, type Question } from './history-list.ts';
import { showNotes } from './history-notes.ts';
import { type HistoryTable, mostLines } from './history-table.ts';
import { gather, largestPage } from './pages.ts';

const pageSize = 50;
const olderSize = 200;
/** Largest number of new rows that the list adds. When there are more, the list starts again. */
const mostNew = 1000;
/** All shown rows are read again at every tenth refresh, to find changed outcomes of older rows. */
const wholeEvery = 10;
/**
 * Assumed longest time from the detection of a row until the row is stored, in milliseconds. Rows that are stored later are found when all
 * shown rows are read again.
 */
const overlap = 60_000;
/** Age in milliseconds up to which rows are read again at each refresh. Older rows seldom change. */
const recent = hour;

interface HistoryOptions {
  readonly table: HistoryTable;
  /** The current time by the app's clock, in milliseconds since 1970. */
  now(): number;
  /** Called with the rows of the latest answer whenever the list has changed. */
  onShown(rows: readonly DriftRow[]): void;
}

interface History {
  /** Starts a new list with these filters and this time range. */
  begin(question: Question, isFiltered: boolean): void;
  /**
   * Reads the history once and updates the list. Drops the answer when `isCurrent` returns false.
   *
   * @throws {Problem} when a request fails.
   */
  look(isCurrent: () => boolean): Promise<void>;
  /**
   * Reads older rows and adds them to the list.
   *
   * @throws {Problem} when a request fails.
   */
  more(): Promise<void>;
}

export function createHistory({ table, now, onShown }: HistoryOptions): History {
  let current: List | undefined;

  const isShown = (row: DriftRow) => table.get(row) !== undefined;

  function show(list: List, rows: readonly DriftRow[]): void {
    showNotes(list, table);
    onShown(rows);
  }

  function add(list: List, rows: readonly DriftRow[], { isNew = false, isAll = false } = {}): void {
    const isTooMany = table.size() + rows.filter((row) => !isShown(row)).length > mostLines;
    list.isHeld ||= isTooMany && list.isRead && isNew;
    const removed = table.merge(list.isHeld ? rows.filter(isShown) : rows, { isNew, isAll, empty: emptyText(list) });
    if (removed > 0) {
      list.isCut = true;
      list.older = undefined;
    }
    show(list, rows);
  }

  async function lookFirst(list: List, isCurrent: () => boolean): Promise<void> {
    const started = Date.now();
    const end = await gather(list.question, {
      limit: pageSize,
      isCurrent,
      onPage(page, gathered) {
        list.isShort = page.cursor !== undefined && gathered.length < pageSize;
        add(list, gathered, { isAll: true });
      },
    });
    if (end === undefined) return;
    // The difference between the app's clock and the browser's is known only after the first answer.
    list.since = now() - (Date.now() - started);
    list.older = end.cursor;
    list.looks = 1;
    show(list, end.rows);
  }

  /** Adds the rows that were detected since the last refresh. Returns false when there were too many rows to add. */
  async function lookForNew(list: List, isCurrent: () => boolean): Promise<boolean> {
    const { question, since } = list;
    const started = now();
    // The newest shown rows are read again too, because their outcomes may have changed.
    const again = Math.max(Date.parse(table.at(pageSize - 1)?.detectedAt ?? question.from), started - recent);
    const from = Math.max(Date.parse(question.from), Math.min(since - overlap, again));
    // The API sorts the rows of one device by the write that caused the drift. The row that was detected last is not always the first.
    const isReached = (rows: readonly DriftRow[]) => question.deviceId === undefined && rows.some(isShown);
    let isWhole = false;
    const end = await gather(
      { ...question, from: iso(from) },
      {
        limit: pageSize,
        most: mostNew,
        isCurrent,
        isEnough: ({ rows }) => isReached(rows),
        onPage({ rows, cursor }) {
          isWhole ||= cursor === undefined || isReached(rows);
        },
      },
    );
    if (end === undefined) return true;
    if (!isWhole && !list.isRead) return false;
    list.isHeld ||= !isWhole;
    add(list, end.rows, { isNew: true });
    if (!list.isHeld) list.since = started;
    return true;
  }

  /** Reads all shown rows again, to update their outcomes. */
  async function lookAgain(list: List, isCurrent: () => boolean): Promise<void> {
    const newest = table.at(0);
    if (newest === undefined) return;
    const { question } = list;
    const last = Date.parse(newest.detectedAt) + 1;
    const to = iso(question.to === undefined ? last : Math.min(last, Date.parse(question.to)));
    const size = table.size();
    const end = await gather({ ...question, to }, { limit: Math.min(largestPage, size), most: size, isCurrent });
    if (end !== undefined) add(list, end.rows, { isNew: true });
  }

  return {
    begin(question, isFiltered) {
      current = newList(question, isFiltered, false);
      table.reset();
      showNotes(current, table);
    },

    async look(isCurrent) {
      const list = current;
      if (list === undefined) return;
      if (list.looks === 0) return lookFirst(list, isCurrent);
      const { to } = list.question;
      const isOver = to !== undefined && Date.parse(to) <= list.since - overlap;
      if (!isOver && !list.isHeld && !(await lookForNew(list, isCurrent))) {
        current = newList(list.question, list.isFiltered, true);
        return lookFirst(current, isCurrent);
      }
      if (isCurrent() && list.looks % wholeEvery === 0) await lookAgain(list, isCurrent);
      if (isCurrent()) list.looks++;
    },

    async more() {
      const list = current;
      if (list === undefined) return;
      const limit = Math.min(olderSize, mostLines - table.size());
      await gather(list.question, {
        cursor: list.older,
        limit,
        // When the oldest rows were removed from the list, older rows must not be added: there would be a gap between them and the list.
        isCurrent: () => current === list && !list.isCut,
        onPage(page, gathered) {
          list.older = page.cursor;
          list.isShort = page.cursor !== undefined && gathered.length < limit;
          list.isRead = true;
          add(list, page.rows);
        },
      });
    },
  };
}

function emptyText({ isShort, isFiltered }: List): string {
  if (isShort) return 'No matching row has been found yet.';
  return isFiltered
    ? 'No row matches these filters in this time range. Clear the filters, or choose a longer time range.'
    : 'There is no drift in this time range.';
}
