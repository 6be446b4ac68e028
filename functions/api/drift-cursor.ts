import { BadCursorError } from '../../shared/drift/index.ts';
import { badCursor } from './http/problem.ts';
import type { TimeRange } from './http/time-range.ts';

/**
 * The content of a cursor of `GET /api/drift`. The cursor holds the start and end of the time range, so that `-24h` means the same range on
 * every page of results.
 */
interface DriftCursor {
  /** The parameters `from` and `to` as the client wrote them, such as `-24h`. */
  readonly asked: { readonly from: string | undefined; readonly to: string | undefined };
  /** The times of `from` and `to` that were computed for the first page of results, ISO 8601. */
  readonly range: Partial<TimeRange>;
  /** The cursor of the history's query. It holds a checksum of the time range and of the filters. */
  readonly after: string;
}

/** Encodes a drift cursor as base64url text, which can stand in a URL. */
export function writeDriftCursor({ asked, range, after }: DriftCursor): string {
  const fields = [asked.from, asked.to, range.from, range.to, after].map((field) => field ?? '');
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

/**
 * Decodes a cursor that {@link writeDriftCursor} made. `asked` holds the parameters `from` and `to` of the current request. The history
 * checks the field `after` later.
 *
 * @throws {ApiProblem} when the text is not such a cursor, or when the cursor was made for other values of `from` and `to`.
 */
export function readDriftCursor(cursor: string, asked: DriftCursor['asked']): DriftCursor {
  const [askedFrom, askedTo, from = '', to = '', after = ''] = fieldsOf(cursor);
  if (askedFrom !== (asked.from ?? '') || askedTo !== (asked.to ?? '') || after === '') {
    throw badCursor();
  }
  return { asked, range: { ...(from === '' ? {} : { from }), ...(to === '' ? {} : { to }) }, after };
}

const isoPattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)?$/;

/** The five fields of a decoded cursor. The list is empty when the text is malformed. */
function fieldsOf(cursor: string): readonly string[] {
  try {
    const fields: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(fields) || fields.length !== 5 || !fields.every((field) => typeof field === 'string')) return [];
    return [fields[2], fields[3]].every((time) => isoPattern.test(String(time))) ? fields : [];
  } catch {
    return [];
  }
}

/** Runs a read of the history, and turns the history's `BadCursorError` into an `ApiProblem`. */
export async function orBadCursor<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof BadCursorError) throw badCursor();
    throw error;
  }
}
