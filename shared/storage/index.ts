/**
 * All access to Azure Storage goes through this folder. A table or queue opens on first use, with a connection string or a managed
 * identity. Concurrent writes to one table share transactions. A text that is too long for one property is split over several.
 * The code here knows nothing about drift.
 *
 * @module
 */
export { GroupCommit, type TableChange } from './group-commit.ts';
export { encodeDeviceId, lastMillisecond, newestFirst } from './keys.ts';
export { listPartition } from './list-partition.ts';
export { joinText, splitText } from './long-text.ts';
export { packJson, unpackJson } from './packed-json.ts';
export { openQueue, openTable, type StorageAccount } from './storage.ts';
export { ignoreNotFound, isEntityNotFound, statusOf } from './table-errors.ts';
