/**
 * All access to Azure Storage goes through this folder. It opens tables, queues and folders of blobs with a connection string or with the managed identity
 * of the app. It stores the changes of concurrent callers in shared transactions. It splits a text that is too long for one property of an
 * entity into several properties. The code here does not depend on policies or drift.
 *
 * @module
 */
export { type BlobFolder, type BlobFolders, createBlobFolders } from './blob-folder.ts';
export { loadFilterTag } from './filter.ts';
export { GroupCommit, type TableChange } from './group-commit.ts';
export { encodeDeviceId, endOfPrefix, lastMillisecond, newestFirst } from './keys.ts';
export { listPartition } from './list-partition.ts';
export { joinText, splitText } from './long-text.ts';
export { packJson, unpackJson } from './packed-json.ts';
export type { RequestLimits } from './request-limits.ts';
export { openQueue, openTable } from './storage.ts';
export type { StorageAccount } from './storage-account.ts';
export { ignoreNotFound, isEntityNotFound, statusOf } from './table-errors.ts';
export { bytesPerTransaction, operationBytes, operationsPerTransaction } from './transaction-limits.ts';
export { createWriteOnceBlobs, type WriteOnceBlobs } from './write-once-blobs.ts';
