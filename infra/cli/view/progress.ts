import { createLogUpdate } from 'log-update';
import { safeText } from './safe-text.ts';
import { terminalSize } from './terminal-size.ts';

/** Shows the progress of a command that takes long. */
export interface Progress {
  /** Shows a line of progress. Does nothing when the last line was shown too short a time ago. */
  show(text: string): void;
  /** Removes the line of progress from the terminal. */
  end(): void;
}

/** Least milliseconds between two lines of progress: `redrawEvery` on a terminal, `lineEvery` elsewhere, as in a log file. */
const redrawEvery = 100;
const lineEvery = 5_000;

/** Shows progress on standard error. A terminal shows one line that changes. Elsewhere, a new line is written every five seconds. */
export function showProgress(now: () => number = Date.now): Progress {
  const { stderr } = process;
  const { isTTY } = stderr;
  const update = isTTY ? createLogUpdate(stderr) : undefined;
  let last = isTTY ? 0 : now();
  return {
    show(text) {
      if (now() - last < (isTTY ? redrawEvery : lineEvery)) return;
      last = now();
      if (update === undefined) stderr.write(`${text}\n`);
      else update(safeText(text, terminalSize(stderr).columns - 1));
    },
    end() {
      update?.clear();
      update?.done();
    },
  };
}
