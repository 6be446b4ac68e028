import { rm } from 'node:fs/promises';
import { createRunFolder, projectRoot } from '../local/project.ts';

/** Calls `work` with a new folder inside the git-ignored run folder, and removes the folder afterwards. */
export async function inBenchFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await createRunFolder(projectRoot());
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
