import { createLogUpdate } from 'log-update';
import type { StartProgress } from '../../local/output.ts';
import { safeText } from './safe-text.ts';
import { terminalSize } from './terminal-size.ts';

/**
 * Shows on standard error which part of the local system is starting. A terminal shows one line that changes. Elsewhere, each step is a new
 * line.
 */
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
      // `log-update` hides the cursor. `done` shows the cursor again.
      update.done();
    },
  };
}
