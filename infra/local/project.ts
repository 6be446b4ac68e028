/** Finds the folder of the project. Makes the folders in `.twinkeeper/` that hold the files of local runs. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadCredentials } from './hub/credentials.ts';

/**
 * The path of the project's folder: the nearest folder with a host.json. The search begins in the folder of this file, in `dist/` or in the
 * sources, and goes up.
 */
export function projectRoot(from = import.meta.dirname): string {
  if (existsSync(join(from, 'host.json'))) return from;
  const parent = dirname(from);
  if (parent === from)
    throw new Error('There is no host.json in this folder or any folder above: run this inside the project.');
  return projectRoot(parent);
}

/** The path of the built function app, the folder that is deployed. */
export function functionAppFolder(root: string): string {
  return join(root, 'dist', 'function-app');
}

/**
 * Checks that the main files of the build exist.
 * @throws An Error whose message is one line, names the missing file and says to run the build.
 */
export function checkBuild(root: string): void {
  const files = [
    join(functionAppFolder(root), 'main.cjs'),
    ...['hub.js', 'host.js'].map((name) => join(root, 'dist/local', name)),
  ];
  for (const file of files) {
    if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm run build\`.`);
  }
}

/**
 * Makes a folder in `.twinkeeper/` for the files of this run. First removes the folders of earlier runs whose processes no longer exist.
 */
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
 * The path of the folder with the keys and certificates of the local hub. All runs with the same host name use the same folder, so a program
 * can trust the same certificate authority in every run. The folder is made in full under another name and then renamed. Two first runs at the same time
 * therefore use the same keys.
 */
export async function hubFolder(root: string, runFolder: string, hostName?: string): Promise<string> {
  const folder = join(root, '.twinkeeper', hostName === undefined ? 'hub' : `hub-${hostName}`);
  if (existsSync(folder)) return folder;
  const unfinished = join(runFolder, 'hub');
  await loadCredentials(unfinished, hostName);
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
