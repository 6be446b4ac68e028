import { createInterface } from 'node:readline';
import type { BlobServiceClient, ContainerClient } from '@azure/storage-blob';
import { credentialOf } from '../identity/index.ts';
import { once } from '../once.ts';
import { explainRefusals } from './explain-refusals.ts';
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

/**
 * Opens the folders of a storage account whose names start with `prefix`. The Azure SDK is loaded on the first call.
 *
 * @param prefix lower-case letters, digits and single hyphens
 */
export function createBlobFolders(account: StorageAccount, prefix: string, now: () => Date): BlobFolders {
  const open = once(() => openService(account));
  return {
    async open(name) {
      const client = await open();
      const container = explainRefusals(client.getContainerClient(`${prefix}${name}`), account, 'blob');
      await container.createIfNotExists();
      return toFolder(account, container, (hours) =>
        signedUrl(account, client, container, new Date(now().getTime() - clockSkew), hours),
      );
    },
    async remove(name) {
      const container = explainRefusals((await open()).getContainerClient(`${prefix}${name}`), account, 'blob');
      await container.deleteIfExists();
    },
    async *list() {
      for await (const { name, properties } of (await open()).listContainers({ prefix })) {
        yield { name: name.slice(prefix.length), changedAt: properties.lastModified };
      }
    },
  };
}

async function openService(account: StorageAccount): Promise<BlobServiceClient> {
  const { BlobServiceClient: Client } = await import('@azure/storage-blob');
  const client =
    'connectionString' in account
      ? Client.fromConnectionString(account.connectionString)
      : new Client(account.blobUri, await credentialOf(account.identity));
  return explainRefusals(client, account, 'blob');
}

function toFolder(
  account: StorageAccount,
  container: ContainerClient,
  sharedUrl: (hours: number) => Promise<string>,
): BlobFolder {
  const clientOf = (blob: string) => explainRefusals(container.getBlockBlobClient(blob), account, 'blob');
  const blockIdOf = (partId: string) => Buffer.from(partId).toString('base64');
  return {
    name: container.containerName,
    async stage(blob, partId, text) {
      const bytes = Buffer.from(text);
      await clientOf(blob).stageBlock(blockIdOf(partId), bytes, bytes.length);
    },
    async commit(blob, partIds) {
      await clientOf(blob).commitBlockList(partIds.map(blockIdOf));
    },
    async write(blob, text) {
      const bytes = Buffer.from(text);
      await clientOf(blob).upload(bytes, bytes.length);
    },
    async *lines(blob) {
      const options = { maxRetryRequests: 5 };
      const answer = await clientOf(blob).download(undefined, undefined, options).catch(ignoreNotFound);
      if (answer?.readableStreamBody === undefined) return;
      for await (const line of createInterface({ input: answer.readableStreamBody })) if (line !== '') yield line;
    },
    async size(blob) {
      const properties = await clientOf(blob).getProperties().catch(ignoreNotFound);
      return properties?.contentLength;
    },
    read: (blob, from, count) => clientOf(blob).downloadToBuffer(from, count),
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
  const key = await service.getUserDelegationKey(startsOn, expiresOn);
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
