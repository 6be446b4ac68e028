import { once } from '../once.ts';
import { openBlobService } from './blob-service.ts';
import { explainRefusals } from './explain-refusals.ts';
import { defaultRequestLimits, withTries } from './request-limits.ts';
import type { StorageAccount } from './storage-account.ts';
import { statusOf } from './table-errors.ts';

/** A container of blobs that are written once, and never changed or removed. The policy of the container can forbid both. */
export interface WriteOnceBlobs {
  /** Writes a blob. `exists`: there is a blob with this name, and it stays as it is. Creates the container when it does not exist. */
  write(blob: string, bytes: Buffer): Promise<'written' | 'exists'>;
  /**
   * Reads a whole blob. `undefined` when the blob or the container does not exist. `'tooLong'` when the blob has more than `longest` bytes:
   * such a blob is not read.
   */
  read(blob: string, longest: number): Promise<Buffer | 'tooLong' | undefined>;
  /** Lists the names that begin with `prefix`, in order. Lists nothing when the container does not exist. */
  list(prefix: string): AsyncIterable<string>;
}

/** Maximum milliseconds for one list. */
const longestList = 120_000;

/** Opens a container of a storage account. The Azure SDK is loaded on the first call. */
export function createWriteOnceBlobs(account: StorageAccount, container: string): WriteOnceBlobs {
  const { limits = defaultRequestLimits } = account;
  const open = once(async () => {
    const client = (await openBlobService(account)).getContainerClient(container);
    return explainRefusals(client, account, 'blob');
  });
  const create = once(async () => {
    const client = await open();
    await withTries(limits, client.url, (abortSignal) => client.createIfNotExists({ abortSignal }));
    return client;
  });
  const blobOf = (client: Awaited<ReturnType<typeof open>>, name: string) =>
    explainRefusals(client.getBlockBlobClient(name), account, 'blob');

  return {
    async write(name, bytes) {
      const client = await create();
      const blob = blobOf(client, name);
      const conditions = { ifNoneMatch: '*' };
      try {
        await withTries(limits, client.url, (abortSignal) =>
          blob.upload(bytes, bytes.length, { abortSignal, conditions }),
        );
        return 'written';
      } catch (error) {
        // The blob of a try whose answer was lost also exists.
        if (!exists(error)) throw error;
        return 'exists';
      }
    },

    async read(name, longest) {
      const client = await open();
      const blob = blobOf(client, name);
      try {
        const { contentLength = 0 } = await withTries(limits, client.url, (abortSignal) =>
          blob.getProperties({ abortSignal }),
        );
        if (contentLength > longest) return 'tooLong';
        // The SDK refuses to read a blob without bytes into a buffer.
        if (contentLength === 0) return Buffer.alloc(0);
        return await withTries(limits, client.url, (abortSignal) =>
          blob.downloadToBuffer(0, contentLength, { abortSignal }),
        );
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
        return undefined;
      }
    },

    async *list(prefix) {
      const client = await open();
      try {
        for await (const { name } of client.listBlobsFlat({ prefix, abortSignal: AbortSignal.timeout(longestList) })) {
          yield name;
        }
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
      }
    },
  };
}

/** Whether the error says that the blob exists: 409 of a plain container, 412 of some versions, and 409 of a container that forbids changes. */
function exists(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return statusOf(error) === 412 || code === 'BlobAlreadyExists' || code === 'BlobImmutableDueToPolicy';
}
