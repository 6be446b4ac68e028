/** Where things are: the project's folder, and the one place below it where a run may leave files. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadCredentials } from './hub/credentials.ts';

/** The folder with host.json, whether this runs from `dist/` or from the sources. */
export function projectRoot(from = import.meta.dirname): string {
  if (existsSync(join(from, 'host.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('There is no host.json in any folder above: this must run inside the project.');
  return projectRoot(parent);
}

/** The folder that is deployed, which a build writes. */
export function functionAppFolder(root: string): string {
  return join(root, 'dist', 'function-app');
}

/** Throws one line that says how to go on where the build, or a part of it, is missing. */
export function checkBuild(root: string): void {
  const files = [
    join(functionAppFolder(root), 'main.cjs'),
    ...['hub.js', 'host.js'].map((name) => join(root, 'dist/local', name)),
  ];
  for (const file of files) {
    if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm run build\`.`);
  }
}

/** A folder of this run alone, below `.twinkeeper/`. What runs that were killed have left there is removed first. */
export async function createRunFolder(root: string): Promise<string> {
  const folder = join(root, '.twinkeeper');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) {
    const owner = /^run-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !isRunning(Number(owner)))
      await rm(join(folder, name), { recursive: true, force: true });
  }
  return mkdtemp(join(folder, `run-${process.pid}-`));
}

/**
 * The folder with the local hub's keys and certificates, which outlive a run so that whoever trusts them goes on doing so. Made whole
 * or not at all: of two runs that start at once for the first time, one makes them and both use them.
 */
export async function hubFolder(root: string, runFolder: string): Promise<string> {
  const folder = join(root, '.twinkeeper', 'hub');
  if (existsSync(folder)) return folder;
  const made = join(runFolder, 'hub');
  await loadCredentials(made);
  await rename(made, folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
  return folder;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
