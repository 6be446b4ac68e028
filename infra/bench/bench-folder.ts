import { rm } from 'node:fs/promises';
import { createRunFolder, projectRoot } from '../local/project.ts';

/** Gives a folder of its own, below the git-ignored one, to `work`, and removes it afterwards. */
export async function inBenchFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await createRunFolder(projectRoot());
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
