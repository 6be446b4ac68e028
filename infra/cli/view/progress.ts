import { createLogUpdate } from 'log-update';
import { safeText } from './safe-text.ts';
import { terminalSize } from './terminal-size.ts';

/** Says how far something has come, for those who wait for it. */
export interface Progress {
  say(text: string): void;
  /** Leaves the terminal as it was. */
  end(): void;
}

/** Milliseconds between two texts. Who reads a log wants to know that it goes on, and no more. */
const redrawEvery = 100;
const lineEvery = 5_000;

/** On standard error: one line that changes on a terminal, and a line every few seconds of a long wait anywhere else. */
export function showProgress(now: () => number = Date.now): Progress {
  const { stderr } = process;
  const { isTTY } = stderr;
  const update = isTTY ? createLogUpdate(stderr) : undefined;
  let last = isTTY ? 0 : now();
  return {
    say(text) {
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
