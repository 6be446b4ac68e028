import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder that all test files of one run share. It is removed after the run. */
    runFolder: string;
  }
}

let runFolder = '';

/** Makes the folder. Vitest calls this function once, before the first test file. */
export async function setup(project: TestProject): Promise<void> {
  runFolder = await mkdtemp(join(tmpdir(), 'twinkeeper-run-'));
  project.provide('runFolder', runFolder);
}

/** Removes the folder. Vitest calls this function once, after the last test file. */
export async function teardown(): Promise<void> {
  await rm(runFolder, { recursive: true, force: true });
}
