/**
 * Calls `isDone` again and again until it resolves with true. The pauses between two calls grow from 50 to `longestPause` milliseconds.
 * Resolves with false when `deadline` (milliseconds since 1970) has passed and `isDone` is still false.
 */
export async function until(deadline: number, longestPause: number, isDone: () => Promise<boolean>): Promise<boolean> {
  for (let pause = 50; !(await isDone()); pause = Math.min(pause * 1.5, longestPause)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return true;
}
