import { newestFirst } from '../../storage/index.ts';

/*
 * The table `TwinkeeperSweeps`:
 *
 *   PartitionKey  `current`       RowKey `current`           the lease of the current sweep, or of the last sweep
 *                 `sweeps`        `<inverted start>-<hash>`  one row per sweep, newest first; the row key is the sweep's id
 *                 `parts!<id>`    `<work item>`              the counts of each work item of a sweep
 *                 `queued`        `<id>!<work item>`         the work items that are in the queue
 *                 `bytes!<id>`    `<name>!<n>`               bytes that a sweep needs after an interruption
 *                 `notes`         `<name>`                   memos: values that one sweep stores for the next sweep
 */

export const sweepTable = 'TwinkeeperSweeps';

/** Name of the sweep's queue. Its messages are work items, and requests to start or resume a sweep. */
export const sweepQueueName = 'twinkeeper-sweep';

export const leaseKey = { partitionKey: 'current', rowKey: 'current' } as const;
export const sweepPartition = 'sweeps';
export const memoPartition = 'notes';
export const queuedPartition = 'queued';

/**
 * Prefix of the partitions that hold the counts of a sweep's work items. The sweep's id follows. Stored names call a work item a "part".
 */
export const workItemsPrefix = 'parts!';
/** Prefix of the partitions that hold the bytes of a sweep. The sweep's id follows. */
export const bytesPrefix = 'bytes!';

/** Creates an id for a sweep that starts at this time, in milliseconds since 1970. Ids of later sweeps sort first. */
export function newSweepId(milliseconds: number): string {
  return `${sweepIdPrefix(milliseconds)}-${crypto.randomUUID().slice(0, 8)}`;
}

/**
 * Returns the first part of a sweep's id. This text sorts before the ids of all sweeps that started at this time or earlier. The time is in
 * milliseconds since 1970.
 */
export function sweepIdPrefix(milliseconds: number): string {
  return newestFirst(milliseconds);
}
