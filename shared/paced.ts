/** How often a function may run. */
export interface Pace {
  /** Minimum time between the starts of two runs, in milliseconds. */
  readonly interval: number;
  readonly now: () => Date;
  /** Runs a function after a number of milliseconds. Must not keep the process alive. */
  readonly later: (milliseconds: number, run: () => void) => void;
}

/**
 * Returns a function that runs `work` when the last run began an interval ago. Otherwise it plans one run for the end of the interval. While
 * a run is planned or running, it does nothing. It rejects with the error of the run; the error of a planned run is ignored, because the next
 * call runs `work` again.
 */
export function paced(work: () => Promise<void>, { interval, now, later }: Pace): () => Promise<void> {
  let startedAt = Number.NEGATIVE_INFINITY;
  let isBusy = false;

  return async function run(): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    // A clock that is set back must not make the wait longer.
    const wait = Math.min(interval, startedAt + interval - now().getTime());
    if (wait > 0) {
      later(wait, () => {
        isBusy = false;
        startedAt = Number.NEGATIVE_INFINITY;
        run().catch(() => {});
      });
      return;
    }
    startedAt = now().getTime();
    try {
      await work();
    } finally {
      isBusy = false;
    }
  };
}
