import { rm } from 'node:fs/promises';
import { createRunFolder, projectRoot } from '../local/project.ts';

/** Creates a folder in `.twinkeeper/`, which git ignores. Calls `work` with the path of the folder, and removes the folder afterwards. */
export async function inBenchFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await createRunFolder(projectRoot());
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
