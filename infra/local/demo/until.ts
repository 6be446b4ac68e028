/**
 * Asks `isDone` until it is true. The pauses grow from 50 to `longestPause` milliseconds. Resolves with false when `deadline` (milliseconds
 * since 1970) passes before.
 */
export async function until(deadline: number, longestPause: number, isDone: () => Promise<boolean>): Promise<boolean> {
  for (let pause = 50; !(await isDone()); pause = Math.min(pause * 1.5, longestPause)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return true;
}
