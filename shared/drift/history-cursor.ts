import { createHash } from 'node:crypto';

/** Where the next page of a query begins. */
export interface PagePosition {
  readonly partition: string;
  /** The RowKey after which the page begins. `''` at the start of the partition. */
  readonly after: string;
  /** Continuation token of Table Storage, when the page ended before the service had finished the partition. */
  readonly token?: string;
  /** Start of the time range of the first page, ISO 8601. Set only when the query gives no start. */
  readonly from?: string;
}

/** Thrown for a cursor that belongs to another query, or that was changed. */
export class BadCursorError extends Error {
  override readonly name = 'BadCursorError';

  constructor() {
    super('The cursor is not from a page of this query. Start again without a cursor.');
  }
}

/**
 * Encodes a position as a cursor for this query. A checksum over query and position detects accidental changes. The checksum has no
 * secret, so it does not stop a forged cursor.
 */
export function writeCursor(query: object, { partition, after, token = '', from = '' }: PagePosition): string {
  const fields = [partition, after, token, from];
  return Buffer.from(JSON.stringify([...fields, checksum(query, fields)])).toString('base64url');
}

/**
 * Decodes a cursor of {@link writeCursor}.
 *
 * @param isPartition whether a partition can hold rows of the query
 * @throws {BadCursorError} for a cursor of another query, a changed cursor, or a partition that the query does not read
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
