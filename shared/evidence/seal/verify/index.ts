import { createStoredActions } from '../../../actions/index.ts';
import { createStoredRows } from '../../../drift/index.ts';
import { createWriteOnceBlobs, type StorageAccount } from '../../../storage/index.ts';
import { sealedContainer } from '../manifest.ts';
import { type Verified, type VerifyOptions, verifySeals } from './verify-seals.ts';

export type { SealFault } from './seal-fault.ts';
export type { Verified } from './verify-seals.ts';

/**
 * Checks the seals of a storage account, and compares its tables with them. Changes no data. `undefined` when no day of the range is sealed.
 * Errors of the storage service are thrown unchanged.
 */
export function verifyAccount(
  account: StorageAccount,
  options: Omit<VerifyOptions, 'blobs' | 'rows' | 'actions'>,
): Promise<Verified | undefined> {
  return verifySeals({
    blobs: createWriteOnceBlobs(account, sealedContainer),
    rows: createStoredRows(account),
    actions: createStoredActions(account),
    ...options,
  });
}
