import type { Clock } from '../clock.ts';

/**
 * Returns a function that caches the result of `read` for `milliseconds`. Calls during a read wait for the same read. When a read fails,
 * all calls that wait for it are rejected, and the next call reads again.
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
