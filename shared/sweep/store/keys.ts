import { newestFirst } from '../../storage/index.ts';

/*
 * The table `TwinkeeperSweeps`:
 *
 *   PartitionKey  `current`       RowKey `current`           the sweep under way, or the last one: lead, place
 *                 `sweeps`        `<inverted start>-<hash>`  one row a sweep, newest first; this is its id
 *                 `parts!<id>`    `<part>`                   what came of each part
 *                 `bytes!<id>`    `<name>!<n>`               what an interrupted sweep needs to go on
 *                 `notes`         `<name>`                   what one sweep tells the next
 */

export const sweepTable = 'TwinkeeperSweeps';

/** The queue over which a sweep hands out work, and asks for its next run. */
export const sweepQueueName = 'twinkeeper-sweep';

export const leadKey = { partitionKey: 'current', rowKey: 'current' } as const;
export const sweepRows = 'sweeps';
export const memos = 'notes';

/** What begins the names of the partitions that belong to one sweep each; the sweep's id follows. */
export const partsPrefix = 'parts!';
export const bytesPrefix = 'bytes!';

/** The id of a sweep that begins at this time, in milliseconds since 1970: later ones sort first. */
export function newSweepId(milliseconds: number): string {
  return `${sweepsFrom(milliseconds)}-${crypto.randomUUID().slice(0, 8)}`;
}

/** Where the ids of sweeps begin that were begun at this time, in milliseconds since 1970, or before: these sort after it. */
export function sweepsFrom(milliseconds: number): string {
  return newestFirst(milliseconds);
}
