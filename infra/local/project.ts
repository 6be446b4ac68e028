/** Finds the project's folder, and makes the folders in `.twinkeeper/` where a run keeps its files. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadCredentials } from './hub/credentials.ts';

/** The folder with host.json, found by going up from this file, which runs in `dist/` or in the sources. */
export function projectRoot(from = import.meta.dirname): string {
  if (existsSync(join(from, 'host.json'))) return from;
  const parent = dirname(from);
  if (parent === from)
    throw new Error('There is no host.json in this folder or any folder above: run this inside the project.');
  return projectRoot(parent);
}

/** The folder that is deployed, which a build writes. */
export function functionAppFolder(root: string): string {
  return join(root, 'dist', 'function-app');
}

/** Throws one line with the way out when a main file of the build is missing. */
export function checkBuild(root: string): void {
  const files = [
    join(functionAppFolder(root), 'main.cjs'),
    ...['hub.js', 'host.js'].map((name) => join(root, 'dist/local', name)),
  ];
  for (const file of files) {
    if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm run build\`.`);
  }
}

/** Makes a folder for this run in `.twinkeeper/`. Folders that killed runs left there are removed first. */
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
 * The folder with the local hub's keys and certificates. They outlive a run, so that a program that trusts the certificate authority need
 * not trust a new one each time. The folder appears complete, in one step: two first runs at the same time use the same keys.
 */
export async function hubFolder(root: string, runFolder: string): Promise<string> {
  const folder = join(root, '.twinkeeper', 'hub');
  if (existsSync(folder)) return folder;
  const unfinished = join(runFolder, 'hub');
  await loadCredentials(unfinished);
  await rename(unfinished, folder).catch((error: NodeJS.ErrnoException) => {
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
