/** Runs the `twinkeeper` command for a hook of azd, with the variables of azd's environment. Plain JavaScript, because azd runs it as it is. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

/** Runs `twinkeeper` with these arguments, after a build when there is none yet. Ends this process when the command fails. */
export function runCommand(...args) {
  if (!existsSync(resolve(root, 'node_modules'))) npm('ci', '--no-audit', '--no-fund');
  if (!existsSync(resolve(root, 'dist/twinkeeper.js'))) npm('run', '--silent', 'build');
  npm('run', '--silent', 'twinkeeper', '--', ...args);
}

/** npm puts the Node of this project first, so that the command runs on it whatever Node azd has found. */
function npm(...args) {
  const { status } = spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
}
