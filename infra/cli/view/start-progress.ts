import { createLogUpdate } from 'log-update';
import type { StartProgress } from '../../local/output.ts';
import { safeText } from './safe-text.ts';
import { terminalSize } from './terminal-size.ts';

/** Shows the steps on standard error: a terminal has one line that changes, and any other reader gets one line for each step. */
export function startProgress(stderr: NodeJS.WriteStream = process.stderr): StartProgress {
  if (!stderr.isTTY) {
    return { step: (text) => void stderr.write(`${text}\n`), clear() {} };
  }
  const update = createLogUpdate(stderr);
  let isShown = false;
  return {
    step(text) {
      isShown = true;
      update(safeText(text, terminalSize(stderr).columns - 1));
    },
    clear() {
      if (!isShown) return;
      isShown = false;
      update.clear();
      // Also shows the cursor again, which log-update hides.
      update.done();
    },
  };
}
