import { badCursor } from './http/problem.ts';
import type { TimeRange } from './http/time-range.ts';

/** Where the next page begins, and of what range of time: `-24h` must mean the same on each page. */
interface DriftPlace {
  /** As the parameters said it. */
  readonly asked: { readonly from: string | undefined; readonly to: string | undefined };
  readonly range: Partial<TimeRange>;
  /** The cursor of the history, which is sealed with the range and the filters. */
  readonly after: string;
}

/** The place as text for a URL. */
export function writeDriftCursor({ asked, range, after }: DriftPlace): string {
  const parts = [asked.from, asked.to, range.from, range.to, after].map((part) => part ?? '');
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/**
 * Undoes {@link writeDriftCursor}. That the history's own cursor fits is the history's to check.
 *
 * @throws {ApiProblem} where it is none, or was given for other times.
 */
export function readDriftCursor(cursor: string, asked: DriftPlace['asked']): DriftPlace {
  const [askedFrom, askedTo, from = '', to = '', after = ''] = partsOf(cursor);
  if (askedFrom !== (asked.from ?? '') || askedTo !== (asked.to ?? '') || after === '') {
    throw badCursor();
  }
  return { asked, range: { ...(from === '' ? {} : { from }), ...(to === '' ? {} : { to }) }, after };
}

const isoForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)?$/;

function partsOf(cursor: string): readonly string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(parts) || parts.length !== 5 || !parts.every((part) => typeof part === 'string')) return [];
    return [parts[2], parts[3]].every((time) => isoForm.test(String(time))) ? parts : [];
  } catch {
    return [];
  }
}
