import { createHash } from 'node:crypto';
import { badCursor } from './problem.ts';

/**
 * Makes the cursor for the next page of a list. That page starts after the entry with this key. The cursor is base64url text, and holds a
 * checksum of the list's name and the key.
 */
export function writeKeyCursor(list: string, key: string): string {
  return Buffer.from(JSON.stringify([key, checksumOf(list, key)])).toString('base64url');
}

/**
 * Reads the key of an entry from a cursor that {@link writeKeyCursor} made for the same list.
 *
 * @throws {ApiProblem} when the cursor is malformed, was changed, or belongs to another list.
 */
export function readKeyCursor(list: string, cursor: string): string {
  try {
    const [key, checksum, ...more] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as readonly unknown[];
    if (typeof key === 'string' && checksum === checksumOf(list, key) && more.length === 0) return key;
  } catch {
    // A cursor that is not JSON gets the same problem as any other bad cursor.
  }
  throw badCursor();
}

function checksumOf(list: string, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([list, key]))
    .digest('base64url')
    .slice(0, 16);
}
