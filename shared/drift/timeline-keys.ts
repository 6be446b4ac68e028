import { createHash } from 'node:crypto';
import { encodeDeviceId, newestFirst } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';

/*
 * Copies of history rows, so that whoever asks by time, or for what is open, reads just that:
 *
 *   TwinkeeperTimeline   PartitionKey  hour in which it was detected, `2026-11-22T05`
 *                        RowKey        `<inverted millisecond>!<device>!<row>`, newest first
 *   TwinkeeperOpen       PartitionKey  `open-0` … `open-7`, by device
 *                        RowKey        `<policy>!<encoded device id>!<row>`
 */

/** Shards of the open list: a fleet that drifts as a whole writes to all of them at once. */
export const openShards = ['open-0', 'open-1', 'open-2', 'open-3', 'open-4', 'open-5', 'open-6', 'open-7'] as const;

/** The partition of the timeline that a time (ISO 8601) is in: its hour, UTC. */
export function hourOf(at: string): string {
  return new Date(at).toISOString().slice(0, 13);
}

/** The RowKey in an hour at which rows of this time (ISO 8601) begin; those that are older sort after it. */
export function timelineFrom(at: string): string {
  return newestFirst(Date.parse(at));
}

/** Where a row is in the timeline. Made of what never changes in it, so that its outcome overwrites what was there before. */
export function timelineKey(row: DriftRow): { readonly partitionKey: string; readonly rowKey: string } {
  return {
    partitionKey: hourOf(row.detectedAt),
    rowKey: `${timelineFrom(row.detectedAt)}!${digest(row.deviceId)}!${digest(row.rowKey)}`,
  };
}

/** Where a row is among those that are out of line now: a place of its own, so that who takes it out takes out nobody else's. */
export function openListKey(row: DriftRow): { readonly partitionKey: string; readonly rowKey: string } {
  const shard = createHash('sha256').update(row.deviceId).digest().readUInt32BE() % openShards.length;
  return {
    partitionKey: openShards[shard] ?? openShards[0],
    rowKey: `${row.policy}!${encodeDeviceId(row.deviceId)}!${digest(row.rowKey)}`,
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}
