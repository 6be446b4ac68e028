import { createLogUpdate } from 'log-update';
import { safeText } from './safe-text.ts';
import { terminalSize } from './terminal-size.ts';

/** Shows the progress of a long command. */
export interface Progress {
  /** Shows a text, unless it follows the last one too soon. */
  show(text: string): void;
  /** Leaves the terminal as it was. */
  end(): void;
}

/** Milliseconds between two texts, on a terminal and in a log. */
const redrawEvery = 100;
const lineEvery = 5_000;

/** Shows progress on standard error: one changing line on a terminal, otherwise a line every five seconds. */
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
