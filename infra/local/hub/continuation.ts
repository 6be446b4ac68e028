/** Continuation tokens of queries: where a page ended, and of which query, so that no other can go on from there. */
import { createHash } from 'node:crypto';
import { invalid, shown } from './errors.ts';

/** Where the next page begins. */
export interface Continuation {
  /** How many results the pages before gave. */
  readonly given: number;
  /** The place of the last of them. */
  readonly place: readonly number[];
}

export function writeContinuation(queryText: string, { given, place }: Continuation): string {
  return Buffer.from(JSON.stringify([digest(queryText), given, ...place])).toString('base64');
}

/** Throws 400 on a token that is not one of this query. */
export function readContinuation(queryText: string, token: string | undefined): Continuation {
  if (token === undefined || token === '') return { given: 0, place: [] };
  try {
    const [of, ...numbers] = JSON.parse(Buffer.from(token, 'base64').toString()) as readonly unknown[];
    const [given, ...place] = numbers.filter((number) => typeof number === 'number');
    if (of === digest(queryText) && given !== undefined && place.length === numbers.length - 1) return { given, place };
  } catch {
    // Not ours, like any other that does not fit.
  }
  throw invalid(`x-ms-continuation ${shown(token)} does not belong to this query`);
}

function digest(queryText: string): string {
  return createHash('sha256').update(queryText).digest('base64url').slice(0, 12);
}
