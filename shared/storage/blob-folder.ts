import { createInterface } from 'node:readline';
import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import { once } from '../once.ts';
import { openBlobService } from './blob-service.ts';
import { explainRefusals } from './explain-refusals.ts';
import { defaultRequestLimits, withTries } from './request-limits.ts';
import type { StorageAccount } from './storage-account.ts';

/** A container of blobs that the app shares for some hours with another service, such as an IoT hub. Its blobs are text files with lines. */
export interface BlobFolder {
  /** The name of the container. */
  readonly name: string;
  /**
   * Uploads a part of a blob. The part becomes visible with {@link commit}. A second part with the same id replaces the first one. All ids of a
   * blob must have the same length.
   */
  stage(blob: string, partId: string, text: string): Promise<void>;
  /** Makes a blob from its staged parts, in this order. */
  commit(blob: string, partIds: readonly string[]): Promise<void>;
  write(blob: string, text: string): Promise<void>;
  /** Reads the lines of a blob, without empty ones. No lines when the blob does not exist. */
  lines(blob: string): AsyncIterable<string>;
  /** Returns the number of bytes of a blob. `undefined` when the blob does not exist. */
  size(blob: string): Promise<number | undefined>;
  /** Reads `count` bytes of a blob, beginning at the byte `from`. */
  read(blob: string, from: number, count: number): Promise<Buffer>;
  /**
   * Returns an address of the folder, with which its holder may read, write and list its blobs for some hours. The address is a secret: it must
   * not be logged or stored.
   */
  sharedUrl(hours: number): Promise<string>;
}

/** The folders of blobs that one purpose uses. Each folder is a container of its own, with a name that is never used again. */
export interface BlobFolders {
  /** Opens the folder with this name, and creates it when it does not exist. */
  open(name: string): Promise<BlobFolder>;
  /** Removes a folder with all its blobs. Ignores a folder that does not exist. */
  remove(name: string): Promise<void>;
  /** Lists the names of all folders, and when each was last changed. */
  list(): AsyncIterable<{ readonly name: string; readonly changedAt: Date }>;
}

/** Milliseconds by which the clocks of the app and of the storage account may differ. */
const clockSkew = 15 * 60_000;

/** Maximum milliseconds for which the folders are listed, with all that is done with each. */
const longestList = 60_000;

/**
 * Opens the folders of a storage account whose names start with `prefix`. The Azure SDK is loaded on the first call.
 *
 * @param prefix lower-case letters, digits and single hyphens
 */
export function createBlobFolders(account: StorageAccount, prefix: string, now: () => Date): BlobFolders {
  const open = once(() => openBlobService(account));
  const { limits = defaultRequestLimits } = account;
  return {
    async open(name) {
      const client = await open();
      const container = explainRefusals(client.getContainerClient(`${prefix}${name}`), account, 'blob');
      await withTries(limits, container.url, (abortSignal) => container.createIfNotExists({ abortSignal }));
      return toFolder(account, container, (hours) =>
        signedUrl(account, client, container, new Date(now().getTime() - clockSkew), hours),
      );
    },
    async remove(name) {
      const container = explainRefusals((await open()).getContainerClient(`${prefix}${name}`), account, 'blob');
      await withTries(limits, container.url, (abortSignal) => container.deleteIfExists({ abortSignal }));
    },
    async *list() {
      const abortSignal = AbortSignal.timeout(longestList);
      for await (const { name, properties } of (await open()).listContainers({ prefix, abortSignal })) {
        yield { name: name.slice(prefix.length), changedAt: properties.lastModified };
      }
    },
  };
}

function toFolder(
  account: StorageAccount,
  container: ContainerClient,
  sharedUrl: (hours: number) => Promise<string>,
): BlobFolder {
  const clientOf = (blob: string) => explainRefusals(container.getBlockBlobClient(blob), account, 'blob');
  const tries = <T>(use: (abortSignal: AbortSignal) => Promise<T>) =>
    withTries(account.limits ?? defaultRequestLimits, container.url, use);
  const blockIdOf = (partId: string) => Buffer.from(partId).toString('base64');
  return {
    name: container.containerName,
    async stage(blob, partId, text) {
      const bytes = Buffer.from(text);
      const id = blockIdOf(partId);
      await tries((abortSignal) => clientOf(blob).stageBlock(id, bytes, bytes.length, { abortSignal }));
    },
    async commit(blob, partIds) {
      const ids = partIds.map(blockIdOf);
      await tries((abortSignal) => clientOf(blob).commitBlockList(ids, { abortSignal }));
    },
    async write(blob, text) {
      const bytes = Buffer.from(text);
      await tries((abortSignal) => clientOf(blob).upload(bytes, bytes.length, { abortSignal }));
    },
    async *lines(blob) {
      const download = (abortSignal: AbortSignal) =>
        clientOf(blob).download(undefined, undefined, { maxRetryRequests: 5, abortSignal });
      const answer = await tries(download).catch(ignoreNotFound);
      if (answer?.readableStreamBody === undefined) return;
      for await (const line of createInterface({ input: answer.readableStreamBody })) if (line !== '') yield line;
    },
    async size(blob) {
      const read = (abortSignal: AbortSignal) => clientOf(blob).getProperties({ abortSignal });
      const properties = await tries(read).catch(ignoreNotFound);
      return properties?.contentLength;
    },
    read: (blob, from, count) => tries((abortSignal) => clientOf(blob).downloadToBuffer(from, count, { abortSignal })),
    sharedUrl,
  };
}

/**
 * Signs the address of a container: with the key of the account, or with a key that the account gives to the identity of the app ("user
 * delegation SAS"). The second way needs no shared key, which a deployment may have switched off.
 */
async function signedUrl(
  account: StorageAccount,
  service: BlobServiceClient,
  container: ContainerClient,
  startsOn: Date,
  hours: number,
): Promise<string> {
  const { ContainerSASPermissions, generateBlobSASQueryParameters } = await import('@azure/storage-blob');
  const permissions = ContainerSASPermissions.parse('rwdl');
  const expiresOn = new Date(startsOn.getTime() + clockSkew + hours * 3600_000);
  if ('connectionString' in account) return container.generateSasUrl({ permissions, startsOn, expiresOn });
  const key = await withTries(account.limits ?? defaultRequestLimits, service.url, (abortSignal) =>
    service.getUserDelegationKey(startsOn, expiresOn, { abortSignal }),
  );
  const { containerName } = container;
  const signature = generateBlobSASQueryParameters(
    { containerName, permissions, startsOn, expiresOn },
    key,
    service.accountName,
  );
  return `${container.url}?${signature.toString()}`;
}

function ignoreNotFound(error: unknown): undefined {
  if ((error as { statusCode?: unknown }).statusCode !== 404) throw error;
  return undefined;
}
