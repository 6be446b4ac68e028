/**
 * The history as a live list. Asks again and again for new rows and for new outcomes of the shown ones. Between the newest shown row and
 * the oldest one, no row is missing.
 */
import type { DriftRow } from '../../../api/history-answers.ts';
import { hour, iso } from '../markup/index.ts';
import { type List, newList, type Question } from './history-list.ts';
import { showNotes } from './history-notes.ts';
import { type HistoryTable, mostLines } from './history-table.ts';
import { gather, largestPage } from './pages.ts';

const pageSize = 50;
const olderSize = 200;
/** After more new rows than this, the list starts again. */
const mostNew = 1000;
/** One look in this many asks for all shown rows again, to find changes further down. */
const wholeEvery = 10;
/** The longest time, in milliseconds, from the detection of a row to its writing. The look at all rows finds later ones. */
const overlap = 60_000;
/** Rows older than this, in milliseconds, hardly change. */
const recent = hour;

interface HistoryOptions {
  readonly table: HistoryTable;
  /** The app's time in milliseconds. */
  now(): number;
  /** Receives the rows that came, whenever the list has changed. */
  onShown(rows: readonly DriftRow[]): void;
}

interface History {
  /** Starts a new list. */
  begin(question: Question, isFiltered: boolean): void;
  /** Looks once. Drops the answer when `isCurrent` has become false. @throws {Problem} */
  look(isCurrent: () => boolean): Promise<void>;
  /** Adds older rows. @throws {Problem} */
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
    // The first answer told the app's time.
    list.since = now() - (Date.now() - started);
    list.older = end.cursor;
    list.looks = 1;
    show(list, end.rows);
  }

  /** Adds the rows since the last look. False where there were too many to add. */
  async function lookForNew(list: List, isCurrent: () => boolean): Promise<boolean> {
    const { question, since } = list;
    const started = now();
    // The newest rows are read again for their outcomes.
    const again = Math.max(Date.parse(table.at(pageSize - 1)?.detectedAt ?? question.from), started - recent);
    const from = Math.max(Date.parse(question.from), Math.min(since - overlap, again));
    // The API sorts the rows of one device by write: the last detected row need not come first.
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

  /** Reads all shown rows again. */
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
        // After a cut, older rows would leave a gap.
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
  if (isShort) return 'None was found so far.';
  return isFiltered
    ? 'No row fits these filters in this time. Clear the filters, or look at a longer time.'
    : 'Nothing has departed from its baseline in this time.';
}
