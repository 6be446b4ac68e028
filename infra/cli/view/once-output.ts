/** What `--once` shows: how far it has come on standard error, the summary on standard output. */

import { runOnce } from '../../local/demo/once.ts';
import { describeSummary, isAllRight } from '../../local/demo/summary.ts';
import type { Output } from '../../local/output.ts';
import type { RunOptions } from '../../local/run-options.ts';

/** More would push the summary off the screen. */
const mostComplaints = 20;

export function onceOutput({ devices, seed, events, queryLag = 0, timeScale = 1, json = false }: RunOptions): Output {
  const isQuiet = json && !process.stderr.isTTY;
  const say = (text: string) => process.stderr.write(`${text}\n`);
  return {
    notice: say,
    async run({ endpoints }) {
      const onProgress = isQuiet ? () => {} : say;
      const { summary, complaints } = await runOnce(endpoints, {
        devices,
        seed,
        events,
        queryLag: (queryLag * 1000) / timeScale,
        onProgress,
      });
      for (const complaint of complaints.slice(0, mostComplaints)) say(complaint);
      if (complaints.length > mostComplaints) say(`… and ${complaints.length - mostComplaints} more.`);
      await print(json ? JSON.stringify(summary) : describeSummary(summary));
      return isAllRight(summary) ? 0 : 1;
    },
    async close() {},
  };
}

/** Resolves when the text has left the process: what ends it next must not cut it off. Where it cannot leave, that ends the run. */
function print(text: string): Promise<void> {
  return new Promise((resolve) =>
    process.stdout.write(`${text}\n`, (error) => {
      if (!error) resolve();
    }),
  );
}
