import { createHash } from 'node:crypto';

/** The position in the history at which the next page of results begins. */
export interface PagePosition {
  readonly partition: string;
  /** The RowKey after which the next page of results begins. `''` when the page begins at the start of the partition. */
  readonly after: string;
  /** Continuation token of Table Storage. Set when the last page of results ended before the service had read the whole partition. */
  readonly token?: string;
  /** The start of the query's time range, as the first page of results used it, ISO 8601. Set only when the query itself names no start. */
  readonly from?: string;
}

/** The error for a cursor that comes from a different query, or that somebody changed. */
export class BadCursorError extends Error {
  override readonly name = 'BadCursorError';

  constructor() {
    super('The cursor is not from a page of this query. Start again without a cursor.');
  }
}

/**
 * Encodes a position in the history as a cursor for this query. The cursor holds a checksum over the query and the position, which detects
 * accidental changes. The checksum uses no secret, so it does not stop a forged cursor.
 */
export function writeCursor(query: object, { partition, after, token = '', from = '' }: PagePosition): string {
  const fields = [partition, after, token, from];
  return Buffer.from(JSON.stringify([...fields, checksum(query, fields)])).toString('base64url');
}

/**
 * Decodes a cursor that {@link writeCursor} encoded.
 *
 * @param isPartition Returns whether a partition can hold rows of the query.
 * @throws {BadCursorError} when the cursor comes from a different query, was changed, or names a partition that the query does not read
 */
export function readCursor(query: object, cursor: string, isPartition: (name: string) => boolean): PagePosition {
  const [partition = '', after = '', token = '', from = '', expectedChecksum] = decodeFields(cursor);
  const isOfQuery = expectedChecksum === checksum(query, [partition, after, token, from]);
  if (!isOfQuery || !isPartition(partition) || (from !== '' && Number.isNaN(Date.parse(from)))) {
    throw new BadCursorError();
  }
  return { partition, after, ...(token === '' ? {} : { token }), ...(from === '' ? {} : { from }) };
}

function decodeFields(cursor: string): readonly string[] {
  try {
    const fields: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(fields) && fields.length === 5 && fields.every((field) => typeof field === 'string')
      ? fields
      : [];
  } catch {
    return [];
  }
}

function checksum(query: object, fields: readonly string[]): string {
  const filters = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([filters, fields]))
    .digest('base64url')
    .slice(0, 16);
}
