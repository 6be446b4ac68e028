import { createHash } from 'node:crypto';

/** Where to go on with a question: in this partition, after this key. */
export interface Place {
  readonly partition: string;
  /** A RowKey; `''` before the first. */
  readonly after: string;
  /** Where the service itself wants to go on in the partition, when it was left before its end. */
  readonly token?: string;
  /** Where the range of time began that the first page was about, if that is not said in the question. ISO 8601. */
  readonly since?: string;
}

/** Thrown for a cursor that no page of this query has given. */
export class BadCursorError extends Error {
  override readonly name = 'BadCursorError';

  constructor() {
    super('The cursor is not from a page of this query: begin again without it.');
  }
}

/** A place as text that only fits this query, and shows when it was changed by mistake. It keeps nobody from making one on purpose. */
export function writeCursor(query: object, { partition, after, token = '', since = '' }: Place): string {
  const parts = [partition, after, token, since];
  return Buffer.from(JSON.stringify([...parts, seal(query, parts)])).toString('base64url');
}

/**
 * Undoes {@link writeCursor}.
 *
 * @param isPartition whether the answer to the query may be in a partition
 * @throws {BadCursorError}
 */
export function readCursor(query: object, cursor: string, isPartition: (name: string) => boolean): Place {
  const [partition = '', after = '', token = '', since = '', sealed] = partsOf(cursor);
  const isOurs = sealed === seal(query, [partition, after, token, since]);
  if (!isOurs || !isPartition(partition) || (since !== '' && Number.isNaN(Date.parse(since)))) {
    throw new BadCursorError();
  }
  return { partition, after, ...(token === '' ? {} : { token }), ...(since === '' ? {} : { since }) };
}

function partsOf(cursor: string): readonly string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(parts) && parts.length === 5 && parts.every((part) => typeof part === 'string') ? parts : [];
  } catch {
    return [];
  }
}

function seal(query: object, parts: readonly string[]): string {
  const asked = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([asked, parts]))
    .digest('base64url')
    .slice(0, 16);
}
