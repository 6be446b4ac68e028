/**
 * Continuation tokens of queries. A token contains the position at which a page of results ends, and a digest of the query's text. So a
 * token is valid only for the same query.
 */
import { createHash } from 'node:crypto';
import { invalid, preview } from './errors.ts';

/** The position in the results of a query at which the next page starts. */
export interface Continuation {
  /** Number of results on all earlier pages. */
  readonly returned: number;
  /** Position of the last returned result in the order of results. Empty before the first page. */
  readonly cursor: readonly number[];
}

/** Encodes the position of the next page as a Base64 token. */
export function writeContinuation(queryText: string, { returned, cursor }: Continuation): string {
  return Buffer.from(JSON.stringify([digest(queryText), returned, ...cursor])).toString('base64');
}

/**
 * Decodes a continuation token. Without a token, returns the position of the first page. Throws 400 unless the token belongs to this query.
 */
export function readContinuation(queryText: string, token: string | undefined): Continuation {
  if (token === undefined || token === '') return { returned: 0, cursor: [] };
  try {
    const [queryDigest, ...rest] = JSON.parse(Buffer.from(token, 'base64').toString()) as readonly unknown[];
    const [returned, ...cursor] = rest.filter((item) => typeof item === 'number');
    const onlyNumbers = cursor.length === rest.length - 1;
    if (queryDigest === digest(queryText) && returned !== undefined && onlyNumbers) return { returned, cursor };
  } catch {
    // The token is not valid JSON. The error after this block is thrown for every invalid token.
  }
  throw invalid(`x-ms-continuation ${preview(token)} does not belong to this query`);
}

function digest(queryText: string): string {
  return createHash('sha256').update(queryText).digest('base64url').slice(0, 12);
}
