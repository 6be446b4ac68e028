import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';

/** An empty storage account. */
export interface TestStorage {
  readonly endpoints: { readonly connectionString: string };
}

/** Takes an unused account of one of the run's emulators. Each call returns another account. */
export async function newStorageAccount(): Promise<TestStorage> {
  const [emulators, accounts] = [inject('emulators'), inject('accounts')];
  const [first = ''] = accounts;
  for (const account of accounts) {
    for (const [index, emulator] of emulators.entries()) {
      if (await createFolder(join(inject('runFolder'), `${account}-${index}`))) {
        return { endpoints: { connectionString: emulator.replaceAll(first, account) } };
      }
    }
  }
  throw new Error(
    `All ${accounts.length * emulators.length} accounts are taken: add more in test/support/shared-by-run.ts.`,
  );
}

/** Creates a folder. Returns false when it exists: only one of several processes can create it. */
export async function createFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
