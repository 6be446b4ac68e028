import { createHash } from 'node:crypto';
import { badCursor } from './problem.ts';

/** Where the next page of a list begins: after the one with this key. As text for a URL, which shows when it was changed. */
export function writeKeyCursor(list: string, key: string): string {
  return Buffer.from(JSON.stringify([key, seal(list, key)])).toString('base64url');
}

/**
 * Undoes {@link writeKeyCursor}.
 *
 * @throws {ApiProblem} where it is none, or one of another list.
 */
export function readKeyCursor(list: string, cursor: string): string {
  try {
    const [key, sealed, ...more] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as readonly unknown[];
    if (typeof key === 'string' && sealed === seal(list, key) && more.length === 0) return key;
  } catch {
    // Not ours, like any other that does not fit.
  }
  throw badCursor();
}

function seal(list: string, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([list, key]))
    .digest('base64url')
    .slice(0, 16);
}
