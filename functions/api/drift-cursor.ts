import { badCursor } from './http/problem.ts';
import type { TimeRange } from './http/time-range.ts';

/** The content of a cursor of `GET /api/drift`. It fixes the range of time, so that `-24h` means the same on every page. */
interface DriftCursor {
  /** The parameters `from` and `to` as the client wrote them. */
  readonly asked: { readonly from: string | undefined; readonly to: string | undefined };
  /** The times that those parameters stood for on the first page. */
  readonly range: Partial<TimeRange>;
  /** The history's own cursor. It holds a checksum of the range and the filters. */
  readonly after: string;
}

/** Encodes the cursor as text for a URL. */
export function writeDriftCursor({ asked, range, after }: DriftCursor): string {
  const fields = [asked.from, asked.to, range.from, range.to, after].map((field) => field ?? '');
  return Buffer.from(JSON.stringify(fields)).toString('base64url');
}

/**
 * Reads a cursor that {@link writeDriftCursor} made. `asked` holds the parameters of the current request. The history checks its own cursor
 * inside.
 *
 * @throws {ApiProblem} when the text is not such a cursor, or was made for other values of `from` and `to`.
 */
export function readDriftCursor(cursor: string, asked: DriftCursor['asked']): DriftCursor {
  const [askedFrom, askedTo, from = '', to = '', after = ''] = fieldsOf(cursor);
  if (askedFrom !== (asked.from ?? '') || askedTo !== (asked.to ?? '') || after === '') {
    throw badCursor();
  }
  return { asked, range: { ...(from === '' ? {} : { from }), ...(to === '' ? {} : { to }) }, after };
}

const isoPattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)?$/;

/** The five fields of a cursor, or none when the text is malformed. */
function fieldsOf(cursor: string): readonly string[] {
  try {
    const fields: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(fields) || fields.length !== 5 || !fields.every((field) => typeof field === 'string')) return [];
    return [fields[2], fields[3]].every((time) => isoPattern.test(String(time))) ? fields : [];
  } catch {
    return [];
  }
}
