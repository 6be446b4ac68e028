import type { Clock } from '../clock.ts';

/**
 * Asks once and remembers the answer for so many milliseconds; who asks meanwhile waits for the same answer. A failure is every
 * caller's who waits for it, and is not remembered.
 */
export function cached<T>(ask: () => Promise<T>, milliseconds: number, clock: Clock): () => Promise<T> {
  let answer: Promise<T> | undefined;
  let until = 0;
  return () => {
    const now = clock.now().getTime();
    if (answer !== undefined && now < until) return answer;
    until = now + milliseconds;
    const current = ask().catch((error: unknown) => {
      if (answer === current) answer = undefined;
      throw error;
    });
    answer = current;
    return current;
  };
}
