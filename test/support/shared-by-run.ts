/**
 * Two storage emulators and a folder that all test files of one run share. Each test file takes an account of its own from an emulator, so
 * no file sees the tables and queues of another file.
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startAzurite } from '../../infra/local/azurite.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder that is removed after the run. */
    runFolder: string;
    /** The connection strings of the emulators' first accounts. */
    emulators: readonly string[];
    /** The names of the accounts that each emulator has. */
    accounts: readonly string[];
  }
}

const accounts: readonly [string, ...string[]] = [
  'testaccount0',
  ...Array.from({ length: 199 }, (_, index) => `testaccount${index + 1}`),
];

let runFolder = '';
let emulators: Awaited<ReturnType<typeof startAzurite>>[] = [];

/** Starts the emulators and makes the folder. Vitest calls this function once, before the first test file. */
export async function setup(project: TestProject): Promise<void> {
  runFolder = await mkdtemp(join(tmpdir(), 'twinkeeper-run-'));
  emulators = await Promise.all([startAzurite({ accounts }), startAzurite({ accounts })]);
  project.provide('runFolder', runFolder);
  project.provide(
    'emulators',
    emulators.map(({ endpoints }) => endpoints.connectionString),
  );
  project.provide('accounts', accounts);
}

/** Ends the emulators and removes the folder. Vitest calls this function once, after the last test file. */
export async function teardown(): Promise<void> {
  await Promise.all(emulators.map((emulator) => emulator.close()));
  await rm(runFolder, { recursive: true, force: true });
}
