/**
 * Ends with a message of one sentence if the command `dist/twinkeeper.js` is not built. The npm script `twinkeeper` runs this check before
 * the command. Without the check, Node would print a stack trace.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../dist/twinkeeper.js', import.meta.url));
if (!existsSync(command)) {
  process.stderr.write(`${command} is missing: run \`npm run build\`.\n`);
  process.exitCode = 1;
}
