import pMap from 'p-map';
import { createWriteOnceBlobs, type StorageAccount } from '../../storage/index.ts';
import { sealedContainer } from './manifest.ts';
import { readSealedDay, sealedDays } from './sealed-days.ts';

/** Number of manifests that are read at the same time. */
const readsAtOnce = 8;

/**
 * Lists the sealed days from `first` to `last`, both included, such as `2026-11-22`, oldest first. Checks nothing. Reads the manifest of each day.
 * Errors of the storage service are thrown unchanged.
 */
export async function listSeals(
  account: StorageAccount,
  { first, last }: { readonly first: string; readonly last: string },
): Promise<readonly { readonly day: string; readonly manifestSha256: string }[]> {
  const blobs = createWriteOnceBlobs(account, sealedContainer);
  const days = (await sealedDays(blobs)).filter((day) => day >= first && day <= last);
  const stored = await pMap(days, (day) => readSealedDay(blobs, day), { concurrency: readsAtOnce });
  return stored.flatMap((seal) => (seal === undefined ? [] : [{ day: seal.day, manifestSha256: seal.sha256 }]));
}
