import { startAzurite } from '../../infra/local/azurite.ts';

/** A storage account without tables and queues. */
export interface TestStorage {
  readonly endpoints: { readonly connectionString: string };
}

/** Starts a storage emulator for one test file. The emulator ends with the process of the test file. */
export async function newStorageAccount(): Promise<TestStorage> {
  const { endpoints } = await startAzurite();
  return { endpoints };
}
