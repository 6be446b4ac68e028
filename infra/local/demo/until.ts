/** Asks again and again, ever more slowly up to `slowest` milliseconds. False when the time is up before the answer is yes. */
export async function until(deadline: number, slowest: number, isDone: () => Promise<boolean>): Promise<boolean> {
  for (let wait = 50; !(await isDone()); wait = Math.min(wait * 1.5, slowest)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  return true;
}
