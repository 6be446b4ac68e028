/**
 * The one door to Azure Storage. Tables and queues open on first use, with a connection string or a managed identity. Writes to a table
 * are grouped into transactions. Values longer than a property are split. This folder knows nothing of drift.
 *
 * @module
 */
export { GroupCommit, type TableChange } from './group-commit.ts';
export { toJsonText } from './json-text.ts';
export { encodeDeviceId, lastMillisecond, newestFirst } from './keys.ts';
export { joinText, splitText } from './long-text.ts';
export { packJson, unpackJson } from './packed-json.ts';
export { openQueue, openTable, type StorageAccount } from './storage.ts';
export { entitiesOf, isMissing, statusOf, unlessMissing } from './table-answers.ts';
