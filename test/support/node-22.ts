import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * The path of Node 22, which is one of the two versions that Azure Functions runs. npm fetches it on the first call, as a package of this
 * platform, and keeps it in its cache. It is no dependency of the project: its command `node` would replace that of Node 24.
 */
export async function node22(): Promise<string> {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}@22.23.3`;
  const args = ['exec', '--yes', `--package=${name}`, '--', 'node', '-p', 'process.execPath'];
  const { stdout } = await promisify(execFile)('npm', args, { shell: process.platform === 'win32' });
  return stdout.trim();
}
