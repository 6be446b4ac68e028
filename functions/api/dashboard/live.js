/** The live list: looks at the history again and again, and sees to it that between the newest row and the oldest no row is left out. */
import { link } from './address.js';
import { ask } from './api.js';
import { mostLines } from './rows.js';
import { clockOf, count, dayOf, fill, refill } from './text.js';

const pageSize = 50;
const olderSize = 200;
const largestPage = 1000;
/** So many rows that came since the last look are fetched; after more, the list begins anew. */
const mostNew = 1000;
/** The API gives a page before it is full where looking for rows takes long: so many are asked for without anybody asking us. */
const mostPages = 5;
/** A look in how many is at all of the list, for what has changed further down. */
const wholeEvery = 10;
/** A row is written so long after it was detected, at most, in ms. Later ones are found when all of the list is looked at. */
const overlap = 60_000;
/** What is older than this, in ms, hardly changes. */
const recent = 3_600_000;

const find = (id) => document.getElementById(id);
const iso = (milliseconds) => new Date(milliseconds).toISOString();

/** `now` gives the app's time in ms; `onShown` is called with the rows that came when the list has changed. */
export function createLive({ rows, now, onShown }) {
  let list = {};

  /** What is known of a list for as long as it has no hole. */
  function newList(question, { isFiltered, isAnew = false }) {
    list = {
      question,
      isFiltered,
      /** Some came that could not be fetched one after the other, and those that were shown are not any more. */
      isAnew,
      looks: 0,
      /** Up to this time of the app, in ms, all rows are there. */
      since: undefined,
      /** Where the older ones begin. */
      older: undefined,
      /** The API gave up looking for older ones before there was a page of them. */
      isShort: false,
      /** The oldest had to go. */
      isCut: false,
      /** Somebody has asked for older ones, which are not taken away then. */
      isRead: false,
      /** New ones are not added, because the older ones would have to go. */
      isHeld: false,
    };
  }

  /** Asks page after page until there are enough, but not without end. Undefined: by then somebody asks for something else. */
  async function gather(query, { cursor, limit, most = limit, isEnough, isMine, onPage }) {
    const found = [];
    for (let pages = 1; ; pages++) {
      const size = pages === 1 ? limit : Math.min(largestPage, most - found.length);
      const page = await ask('drift', { ...query, limit: size, cursor });
      if (!isMine()) return undefined;
      found.push(...page.rows);
      cursor = page.cursor;
      onPage?.(page, found);
      if (cursor === undefined || found.length >= most || isEnough?.(page) || pages >= mostPages)
        return { found, cursor };
    }
  }

  const isKnown = ({ deviceId, rowKey }) => rows.get(deviceId, rowKey) !== undefined;

  function add(found, { isFirst, isAnew = false }) {
    const isTooMany = rows.size() + found.filter((row) => !isKnown(row)).length > mostLines;
    list.isHeld ||= isTooMany && list.isRead && !isFirst;
    const gone = rows.merge(list.isHeld ? found.filter(isKnown) : found, { isFirst, isAnew, nothing: nothing() });
    if (gone > 0) Object.assign(list, { isCut: true, older: undefined });
    show(found);
  }

  function nothing() {
    if (list.isShort) return 'None was found so far.';
    return list.isFiltered
      ? 'No row fits these filters in this time. Clear the filters, or look at a longer time.'
      : 'Nothing has departed from its baseline in this time.';
  }

  async function lookFirst(isMine) {
    const { question } = list;
    const started = Date.now();
    const end = await gather(question, {
      limit: pageSize,
      isMine,
      onPage(page, found) {
        list.isShort = page.cursor !== undefined && found.length < pageSize;
        add(found, { isFirst: true, isAnew: true });
      },
    });
    if (end === undefined) return;
    // The app's clock is known since it has answered.
    list.since = now() - (Date.now() - started);
    list.older = end.cursor;
    list.looks = 1;
    show(end.found);
  }

  /** What has come since the last look, up to what is known. False: that was too much. */
  async function lookForNew(isMine) {
    const { question, since } = list;
    const started = now();
    // The newest are looked at again, for what has become of them.
    const again = Math.max(Date.parse(rows.at(pageSize - 1)?.detectedAt ?? question.from), started - recent);
    const from = Math.max(Date.parse(question.from), Math.min(since - overlap, again));
    // Of a device, those that are detected last need not come first.
    const isReached = ({ rows: its }) => question.deviceId === undefined && its.some(isKnown);
    let isWhole = false;
    const end = await gather(
      { ...question, from: iso(from) },
      {
        limit: pageSize,
        most: mostNew,
        isMine,
        isEnough: isReached,
        onPage(page) {
          isWhole ||= page.cursor === undefined || isReached(page);
        },
      },
    );
    if (end === undefined) return true;
    if (!isWhole && !list.isRead) return false;
    list.isHeld ||= !isWhole;
    add(end.found, { isFirst: false });
    if (!list.isHeld) list.since = started;
    return true;
  }

  /** What has become of the rows that are there. */
  async function lookAgain(isMine) {
    const { question } = list;
    const newest = rows.at(0);
    if (newest === undefined) return;
    const last = Date.parse(newest.detectedAt) + 1;
    const to = iso(question.to === undefined ? last : Math.min(last, Date.parse(question.to)));
    const size = rows.size();
    const end = await gather({ ...question, to }, { limit: Math.min(largestPage, size), most: size, isMine });
    if (end !== undefined) add(end.found, { isFirst: false });
  }

  function show(found) {
    const { older, isShort, isCut, isAnew, isHeld, question } = list;
    const size = rows.size();
    const isFull = isCut || (older !== undefined && size >= mostLines);
    fill(find('history-count'), size === 0 ? '' : `${count(size)}${older === undefined && !isCut ? '' : '+'} shown`);
    const more = find('more');
    more.hidden = older === undefined || isFull;
    fill(more, isShort ? 'Look further' : 'Show older');
    find('held').hidden = !isHeld;
    const note = find('rows-note');
    if (isFull) refill(note, ...fullNote(size, question));
    else if (isShort)
      refill(
        note,
        'Few rows fit, and looking for them takes its time: a part of this time has not been looked at yet.',
      );
    else if (isAnew && older !== undefined)
      refill(note, 'So many rows have come meanwhile that the list begins anew. Those before it follow here:');
    else refill(note);
    onShown(found);
  }

  function fullNote(size, { from }) {
    const oldest = Date.parse(rows.at(-1).detectedAt);
    const before = `those up to ${dayOf(oldest)} ${clockOf(oldest)}`;
    return [
      `${count(size)} rows are shown, and this page keeps no more. Go on with `,
      link({ from, to: iso(oldest + 1), range: undefined }, {}, before),
      ', choose a shorter time, or export all of them as CSV.',
    ];
  }

  return {
    /** Asks another question, of which all that was shown is forgotten. `to` is undefined for what goes on. */
    begin(question, isFiltered) {
      newList(question, { isFiltered });
      rows.reset();
      for (const id of ['history-count', 'rows-note']) fill(find(id));
      for (const id of ['more', 'held']) find(id).hidden = true;
    },

    /** Looks once. What comes after `isMine` has become false is dropped. @throws {Problem} */
    async look(isMine) {
      if (list.looks === 0) return lookFirst(isMine);
      const { to } = list.question;
      const isOver = to !== undefined && Date.parse(to) <= list.since - overlap;
      if (!isOver && !list.isHeld && !(await lookForNew(isMine))) {
        newList(list.question, { isFiltered: list.isFiltered, isAnew: true });
        return lookFirst(isMine);
      }
      if (isMine() && list.looks % wholeEvery === 0) await lookAgain(isMine);
      if (isMine()) list.looks++;
    },

    /** Adds older rows. @throws {Problem} */
    async more() {
      const mine = list;
      const limit = Math.min(olderSize, mostLines - rows.size());
      await gather(mine.question, {
        cursor: mine.older,
        limit,
        // Once the oldest had to go, what is older would leave a hole.
        isMine: () => list === mine && !mine.isCut,
        onPage(page, found) {
          Object.assign(mine, {
            older: page.cursor,
            isShort: page.cursor !== undefined && found.length < limit,
            isRead: true,
          });
          add(page.rows, { isFirst: true });
        },
      });
    },
  };
}
