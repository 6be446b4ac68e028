import { createWriteOnceBlobs, type StorageAccount, type WriteOnceBlobs } from '../../storage/index.ts';
import type { Day } from './day.ts';
import {
  type Content,
  dayOfManifest,
  longestManifest,
  type Manifest,
  manifestFolder,
  manifestName,
  readManifest,
  sealedContainer,
  sha256Of,
} from './manifest.ts';

/** A manifest as it is stored. */
export interface StoredManifest {
  readonly day: string;
  /** The SHA-256 of its bytes. */
  readonly sha256: string;
  /** `undefined` when the bytes are not a manifest. */
  readonly manifest: Manifest | undefined;
}

/** Lists the days that have a manifest, oldest first. */
export async function sealedDays(blobs: WriteOnceBlobs): Promise<readonly string[]> {
  const days: string[] = [];
  for await (const name of blobs.list(manifestFolder)) {
    const day = dayOfManifest(name);
    if (day !== undefined) days.push(day);
  }
  return days.toSorted();
}

/** Reads the manifest of a day. `undefined` when the day has none. */
export async function readSealedDay(blobs: WriteOnceBlobs, day: string): Promise<StoredManifest | undefined> {
  const bytes = await blobs.read(manifestName(day), longestManifest);
  if (bytes === undefined) return undefined;
  if (bytes === 'tooLong') return { day, sha256: '', manifest: undefined };
  return { day, sha256: sha256Of(bytes), manifest: readManifest(bytes) };
}

/** A day that has a seal. */
export interface SealInShort {
  readonly day: Day;
  /** The SHA-256 of the manifest. */
  readonly manifestSha256: string;
}

/** Lists the seals of the days from one day to another, both included, oldest first. Compares nothing. */
export async function listSeals(account: StorageAccount, first: Day, last: Day): Promise<readonly SealInShort[]> {
  const blobs = createWriteOnceBlobs(account, sealedContainer);
  const seals: SealInShort[] = [];
  for (const day of await sealedDays(blobs)) {
    if (day < first || day > last) continue;
    const stored = await readSealedDay(blobs, day);
    if (stored !== undefined) seals.push({ day, manifestSha256: stored.sha256 });
  }
  return seals;
}

/** The files of a manifest with one content, in order. */
export function filesOf({ files }: Manifest, content: Content): Manifest['files'] {
  return files.filter((file) => file.content === content);
}
