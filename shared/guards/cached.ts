import type { Clock } from '../clock.ts';

/**
 * Caches the result of an asynchronous read for `milliseconds`. Calls during a read share its result. A failed read rejects all calls that
 * share it, and is not cached.
 */
export function cached<T>(read: () => Promise<T>, milliseconds: number, clock: Clock): () => Promise<T> {
  let result: Promise<T> | undefined;
  let validUntil = 0;
  return () => {
    const now = clock.now().getTime();
    if (result !== undefined && now < validUntil) return result;
    validUntil = now + milliseconds;
    const current = read().catch((error: unknown) => {
      if (result === current) result = undefined;
      throw error;
    });
    result = current;
    return current;
  };
}
