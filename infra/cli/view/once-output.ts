/** The output of `--once`. Progress goes to standard error, and only the summary to standard output. */
import { longestRun, runOnce } from '../../local/demo/once.ts';
import { describeSummary, isAllRight } from '../../local/demo/summary.ts';
import type { Output } from '../../local/output.ts';
import type { RunOptions } from '../../local/run-options.ts';

/** Largest number of faults that are shown. With more, the summary would scroll off the screen. */
const mostComplaints = 20;

/** Milliseconds for the last comparison of the history and the twins. */
const longestConclusion = 120_000;

export function onceOutput(options: RunOptions): Output {
  const { devices, seed, events, throttle, queryLag = 0, timeScale = 1, json = false } = options;
  const printError = (text: string) => process.stderr.write(`${text}\n`);
  return {
    notice: printError,
    async run({ endpoints }) {
      const { summary, complaints } = await within(
        longestRun(devices, throttle) + longestConclusion,
        runOnce(endpoints, {
          devices,
          seed,
          events,
          queryLag: (queryLag * 1000) / timeScale,
          ...(throttle === undefined ? {} : { throttle }),
          onProgress: printError,
        }),
      );
      for (const complaint of complaints.slice(0, mostComplaints)) printError(complaint);
      if (complaints.length > mostComplaints) printError(`… and ${complaints.length - mostComplaints} more.`);
      await print(json ? JSON.stringify(summary) : describeSummary(summary));
      return isAllRight(summary) ? 0 : 1;
    },
    async close() {},
  };
}

/** Waits for a run. Rejects when the run has not ended after this time, for example because a service does not answer. */
async function within<T>(milliseconds: number, run: Promise<T>): Promise<T> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const message = `The run has not ended within ${Math.round(milliseconds / 60_000)} minutes: a service does not answer.`;
  const timer = setTimeout(() => reject(new Error(message)), milliseconds);
  try {
    return await Promise.race([run, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Resolves when the text has been written to standard output: only then may the process end. Never resolves when standard output is lost.
 * In that case the handler of lost output ends the run.
 */
function print(text: string): Promise<void> {
  return new Promise((resolve) =>
    process.stdout.write(`${text}\n`, (error) => {
      if (!error) resolve();
    }),
  );
}
