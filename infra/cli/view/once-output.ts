/** The output of `--once`. Progress goes to standard error, and the summary to standard output. */
import { runOnce } from '../../local/demo/once.ts';
import { describeSummary, isAllRight } from '../../local/demo/summary.ts';
import type { Output } from '../../local/output.ts';
import type { RunOptions } from '../../local/run-options.ts';

/** Largest number of faults that are shown. With more, the summary would scroll off the screen. */
const mostComplaints = 20;

export function onceOutput({ devices, seed, events, queryLag = 0, timeScale = 1, json = false }: RunOptions): Output {
  const isQuiet = json && !process.stderr.isTTY;
  const printError = (text: string) => process.stderr.write(`${text}\n`);
  return {
    notice: printError,
    async run({ endpoints }) {
      const onProgress = isQuiet ? () => {} : printError;
      const { summary, complaints } = await runOnce(endpoints, {
        devices,
        seed,
        events,
        queryLag: (queryLag * 1000) / timeScale,
        onProgress,
      });
      for (const complaint of complaints.slice(0, mostComplaints)) printError(complaint);
      if (complaints.length > mostComplaints) printError(`… and ${complaints.length - mostComplaints} more.`);
      await print(json ? JSON.stringify(summary) : describeSummary(summary));
      return isAllRight(summary) ? 0 : 1;
    },
    async close() {},
  };
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
