import type { HttpRequest } from '@azure/functions';
import { BadCursorError, type DriftQuery, type HistoryPage } from '../../shared/drift/index.ts';
import type { App } from '../compose.ts';
import { csvHead, toCsv } from './drift-csv.ts';
import { readDriftCursor, writeDriftCursor } from './drift-cursor.ts';
import { acceptedForm } from './http/accept.ts';
import { endpoint } from './http/endpoint.ts';
import { toBody } from './http/flow.ts';
import { badCursor, badParameter } from './http/problem.ts';
import { isRange, resolveTime, type TimeRange, toRange } from './http/time-range.ts';
import { toOpenRow } from './open-row.ts';
import * as parameter from './parameters.ts';
import type { DriftPage, OpenPage } from './shapes.ts';

/** The largest page that Table Storage gives. */
const rowsAtOnce = 1000;
const rowsUnlessSaid = 100;

const forms = ['application/json', 'text/csv', 'application/x-ndjson'] as const;

/** `GET /api/drift`, whole pages or the whole answer as a stream, and `GET /api/drift/open`. */
export function driftEndpoints({ history, now }: App) {
  /** The rows of a query, a page at a time, up to `most`. */
  async function* pagesOf(query: DriftQuery, most: number): AsyncGenerator<HistoryPage> {
    let cursor: string | undefined;
    let left = most;
    do {
      const page = await history.page(query, Math.min(rowsAtOnce, left), cursor);
      left -= page.rows.length;
      cursor = page.cursor;
      yield page;
    } while (cursor !== undefined && left > 0);
  }

  const drift = endpoint('drift', {
    summary:
      'The history, newest first: that of one device, or that of a range of time, which is the last 24 hours unless given. As CSV and as ' +
      'NDJSON it comes whole, as a stream, unless `limit` ends it.',
    query: {
      deviceId: parameter.deviceId,
      moduleId: parameter.moduleId,
      policy: parameter.policy,
      path: parameter.path,
      kind: parameter.kind,
      outcome: parameter.outcome,
      source: parameter.source,
      from: parameter.from,
      to: parameter.to,
      limit: parameter.limit,
      cursor: parameter.cursor,
    },
    answers: { 200: { schema: 'DriftPage', forms: ['text/csv', 'application/x-ndjson'] } },
    async handle({ query: { limit, cursor, from, to, ...filters }, request, context }) {
      const form = formOf(request);
      if (form !== 'application/json' && cursor !== undefined) {
        throw badParameter('cursor', `is for pages of JSON: ${form} comes whole, without one`);
      }
      const asked = { from, to };
      const place = cursor === undefined ? undefined : readDriftCursor(cursor, asked);
      const isOfDevice = filters.deviceId !== undefined;
      const range = place?.range ?? rangeOf(asked, isOfDevice, now());
      // Only a cursor that nobody was given says anything else.
      if (!isOfDevice && !isRange(range)) throw badCursor();
      const query = { ...filters, ...range } as DriftQuery;
      if (form === 'application/json') {
        const page = await orBadCursor(() => history.page(query, limit ?? rowsUnlessSaid, place?.after));
        const next =
          page.cursor === undefined ? {} : { cursor: writeDriftCursor({ asked, range, after: page.cursor }) };
        return { jsonBody: { rows: page.rows, ...next } satisfies DriftPage };
      }
      const pages = pagesOf(query, limit ?? Number.POSITIVE_INFINITY);
      // Asked for before anything is sent: that storage does not answer can still be said.
      const first = await pages.next();
      const texts = form === 'text/csv' ? csvOf(first, pages) : ndjsonOf(first, pages);
      return { headers: { 'content-type': `${form}; charset=utf-8` }, body: toBody(texts, context.invocationId) };
    },
  });

  const open = endpoint('drift-open', {
    summary: 'What is out of line now and why it is not mended, of a policy, of a device, or all of it.',
    query: {
      policy: parameter.policy,
      deviceId: parameter.deviceId,
      limit: parameter.limit,
      cursor: parameter.cursor,
    },
    answers: { 200: { schema: 'OpenPage' } },
    async handle({ query: { policy, deviceId, limit = rowsUnlessSaid, cursor } }) {
      const query = { ...(policy === undefined ? {} : { policy }), ...(deviceId === undefined ? {} : { deviceId }) };
      const page = await orBadCursor(() => history.open(query, limit, cursor));
      return { jsonBody: { ...page, rows: page.rows.map(toOpenRow) } satisfies OpenPage };
    },
  });

  return { drift, 'drift-open': open };
}

/** The range that parameters stand for. A device's history has no need of one. */
function rangeOf(
  asked: { readonly from: string | undefined; readonly to: string | undefined },
  isOfDevice: boolean,
  now: Date,
): Partial<TimeRange> {
  const given = {
    ...(asked.from === undefined ? {} : { from: resolveTime('from', asked.from, now) }),
    ...(asked.to === undefined ? {} : { to: resolveTime('to', asked.to, now) }),
  };
  if (!isOfDevice) return toRange(given, now);
  if (given.from !== undefined && given.to !== undefined && given.from >= given.to) {
    throw badParameter('from', `must be before the end of the range, ${given.to}`, given.from);
  }
  return given;
}

async function orBadCursor<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof BadCursorError) throw badCursor();
    throw error;
  }
}

function formOf(request: HttpRequest): (typeof forms)[number] {
  return acceptedForm(request.headers.get('accept'), forms);
}

type First = IteratorResult<HistoryPage, unknown>;

async function* csvOf(first: First, rest: AsyncIterable<HistoryPage>): AsyncGenerator<string> {
  yield csvHead;
  if (first.done !== true) yield await toCsv(first.value.rows);
  for await (const { rows } of rest) if (rows.length > 0) yield await toCsv(rows);
}

async function* ndjsonOf(first: First, rest: AsyncIterable<HistoryPage>): AsyncGenerator<string> {
  const toLines = ({ rows }: HistoryPage) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  if (first.done !== true) yield toLines(first.value);
  for await (const page of rest) if (page.rows.length > 0) yield toLines(page);
}
