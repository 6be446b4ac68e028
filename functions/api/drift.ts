import type { HttpRequest } from '@azure/functions';
import type { DriftQuery, DuringQuery, HistoryPage } from '../../shared/drift/index.ts';
import type { App } from '../compose.ts';
import type { DriftPage } from './answers.ts';
import { csvHeader, driftSpreadsheetHead, driftSpreadsheetLines, toCsv } from './drift-csv.ts';
import { orBadCursor, readDriftCursor, writeDriftCursor } from './drift-cursor.ts';
import { chooseMediaType } from './http/accept.ts';
import { endpoint } from './http/endpoint.ts';
import { toPacedBody } from './http/paced-body.ts';
import { badCursor, badParameter } from './http/problem.ts';
import type { Slots } from './http/slots.ts';
import { completeRange, isValidRange, parseTime, type TimeRange } from './http/time-range.ts';
import * as parameter from './parameter-schemas.ts';
import type { ListSeparator } from './spreadsheet.ts';

/** The largest number of rows that Table Storage returns in one page. */
const maxPageSize = 1000;
const defaultLimit = 100;

/** Reads one page of rows. */
type ReadPage = (limit: number, cursor: string | undefined) => Promise<HistoryPage>;

const mediaTypes = ['application/json', 'text/csv', 'application/x-ndjson'] as const;

/**
 * Creates the endpoint `GET /api/drift`. It answers with one page of JSON, or with a stream of CSV or NDJSON. A stream takes one of the slots `wideReads` until it ends.
 */
export function driftEndpoints({ history, now }: Pick<App, 'history' | 'now'>, wideReads: Slots) {
  /** Reads history rows page by page, and stops after `maxRows` rows. */
  async function* pagesOf(read: ReadPage, maxRows: number): AsyncGenerator<HistoryPage> {
    let cursor: string | undefined;
    let left = maxRows;
    do {
      const page = await read(Math.min(maxPageSize, left), cursor);
      left -= page.rows.length;
      cursor = page.cursor;
      yield page;
    } while (cursor !== undefined && left > 0);
  }

  const drift = endpoint('drift', {
    summary:
      'The history, newest first, of one device or of a range of time. The range is the last 24 hours by default. With `openFrom`: everything ' +
      'that was out of line at any moment from then to `openTo`. CSV and NDJSON are sent as one stream with all rows, or with `limit` rows.',
    query: {
      deviceId: parameter.deviceId,
      moduleId: parameter.moduleId,
      policy: parameter.policy,
      path: parameter.path,
      kind: parameter.kind,
      outcome: parameter.outcome,
      outcomeNow: parameter.outcomeNow,
      source: parameter.source,
      from: parameter.from,
      to: parameter.to,
      openFrom: parameter.openFrom,
      openTo: parameter.openTo,
      limit: parameter.limit,
      cursor: parameter.cursor,
      excel: parameter.excel,
    },
    answers: { 200: { schema: 'DriftPage', mediaTypes: ['text/csv', 'application/x-ndjson'] } },
    async handle({ query: { limit, cursor, from, to, openFrom, openTo, excel, ...filters }, request, context }) {
      const mediaType = mediaTypeFor(request);
      if (mediaType !== 'application/json' && cursor !== undefined) {
        throw badParameter('cursor', `is only for pages of JSON: ${mediaType} is sent whole, so leave the cursor out`);
      }
      if (mediaType !== 'text/csv' && excel !== undefined) {
        throw badParameter('excel', `is only for CSV, and ${mediaType} is asked for: send "Accept: text/csv"`);
      }
      const isDuring = openFrom !== undefined || openTo !== undefined;
      if (isDuring) checkDuring({ from, to, openFrom });
      const asked = isDuring ? { from: openFrom, to: openTo } : { from, to };
      const position = cursor === undefined ? undefined : readDriftCursor(cursor, asked);
      const isForDevice = filters.deviceId !== undefined && !isDuring;
      const range = position?.range ?? (isDuring ? openRangeOf(asked, now()) : rangeOf(asked, isForDevice, now()));
      // Every cursor that the API makes holds a valid time range, so a cursor without one was forged.
      if (!isForDevice && !isValidRange(range)) throw badCursor();
      const read: ReadPage = isDuring
        ? (size, after) =>
            history.during(
              { ...filters, openFrom: range.from ?? '', openTo: range.to ?? '' } as DuringQuery,
              size,
              after,
            )
        : (size, after) => history.page({ ...filters, ...range } as DriftQuery, size, after);
      if (mediaType === 'application/json') {
        const page = await orBadCursor(() => read(limit ?? defaultLimit, position?.after));
        const next =
          page.cursor === undefined ? {} : { cursor: writeDriftCursor({ asked, range, after: page.cursor }) };
        return { jsonBody: { rows: page.rows, ...next } satisfies DriftPage };
      }
      const release = wideReads.take();
      try {
        const pages = pagesOf(read, limit ?? Number.POSITIVE_INFINITY);
        // The first page of rows is read before any byte is sent, so that a failure of storage can still become a 503.
        const first = await pages.next();
        const chunks = mediaType === 'text/csv' ? csvOf(first, pages, excel) : ndjsonOf(first, pages);
        return {
          headers: { 'content-type': `${mediaType}; charset=utf-8` },
          body: toPacedBody(chunks, context.invocationId, release),
        };
      } catch (error) {
        release();
        throw error;
      }
    },
  });

  return { drift };
}

/**
 * Computes the time range of a request from its parameters `from` and `to`. A query for one device has no default range. Other queries get
 * the last 24 hours by default.
 */
function rangeOf(
  asked: { readonly from: string | undefined; readonly to: string | undefined },
  isForDevice: boolean,
  now: Date,
): Partial<TimeRange> {
  const given = {
    ...(asked.from === undefined ? {} : { from: parseTime('from', asked.from, now) }),
    ...(asked.to === undefined ? {} : { to: parseTime('to', asked.to, now) }),
  };
  if (!isForDevice) return completeRange(given, now);
  if (given.from !== undefined && given.to !== undefined && given.from >= given.to) {
    throw badParameter('from', `must be before the end of the range, ${given.to}`, given.from);
  }
  return given;
}

/** Checks that a question for what was open during a range is not mixed with one for what was detected in a range. */
function checkDuring({ from, to, openFrom }: Readonly<Record<'from' | 'to' | 'openFrom', string | undefined>>): void {
  if (openFrom === undefined) throw badParameter('openTo', 'needs `openFrom`, the start of the range');
  const mixed = from !== undefined ? 'from' : to !== undefined ? 'to' : undefined;
  if (mixed !== undefined) {
    throw badParameter(mixed, 'asks for the time of detection: use it without `openFrom` and `openTo`');
  }
}

/** The range of a question for what was open during it. It ends now by default. */
function openRangeOf(
  { from = '', to }: { readonly from: string | undefined; readonly to: string | undefined },
  now: Date,
): TimeRange {
  const start = parseTime('openFrom', from, now);
  const end = to === undefined ? now.toISOString() : parseTime('openTo', to, now);
  if (start >= end) throw badParameter('openFrom', `must be before the end of the range, ${end}`, from);
  return completeRange({ from: start, to: end }, now);
}

function mediaTypeFor(request: HttpRequest): (typeof mediaTypes)[number] {
  return chooseMediaType(request.headers.get('accept'), mediaTypes);
}

type FirstPage = IteratorResult<HistoryPage, unknown>;

async function* csvOf(
  first: FirstPage,
  rest: AsyncIterable<HistoryPage>,
  excel: ListSeparator | undefined,
): AsyncGenerator<string> {
  const linesOf = async ({ rows }: HistoryPage) =>
    excel === undefined ? toCsv(rows) : driftSpreadsheetLines(rows, excel);
  yield excel === undefined ? csvHeader : driftSpreadsheetHead(excel);
  if (first.done !== true) yield await linesOf(first.value);
  for await (const page of rest) if (page.rows.length > 0) yield await linesOf(page);
}

async function* ndjsonOf(first: FirstPage, rest: AsyncIterable<HistoryPage>): AsyncGenerator<string> {
  const toLines = ({ rows }: HistoryPage) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  if (first.done !== true) yield toLines(first.value);
  for await (const page of rest) if (page.rows.length > 0) yield toLines(page);
}
