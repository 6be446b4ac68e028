import { createHash } from 'node:crypto';
import { encodeDeviceId, newestFirst } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';

/*
 * The history index consists of two tables with copies of history rows. With the copies, queries by time and queries for open rows read
 * only ranges of keys:
 *
 *   TwinkeeperTimeline   PartitionKey  hour of detection, UTC, and shard, by device, such as `2026-11-22T05-0` … `2026-11-22T05-b`
 *                        RowKey        `<inverted millisecond>!<hash of device>!<hash of row>`, newest first
 *   TwinkeeperOpen       PartitionKey  `open-0` … `open-7`, by device
 *                        RowKey        `<policy>!<encoded device id>!<hash of row>`
 */

/** The partitions of the open list, called shards. Several shards share the load when the whole fleet drifts at once. */
export const openShards = ['open-0', 'open-1', 'open-2', 'open-3', 'open-4', 'open-5', 'open-6', 'open-7'] as const;

/**
 * Number of partitions of each hour of the timeline. Table Storage takes 2,000 writes a second into one partition, so all partitions of an hour
 * take 20,000. Source: "Scalability and performance targets for Table storage".
 */
const timelineShards = 12;

/** The partitions of an hour of the timeline, in order. */
export function timelinePartitions(hour: string): readonly [string, ...string[]] {
  const [first = '', ...others] = Array.from(
    { length: timelineShards },
    (_, shard) => `${hour}-${shard.toString(timelineShards)}`,
  );
  return [first, ...others];
}

/** The hour (UTC) of an ISO 8601 time, such as `2026-11-22T05`. The PartitionKeys of timeline rows that were detected in it begin with the hour. */
export function hourOf(at: string): string {
  return new Date(at).toISOString().slice(0, 13);
}

/**
 * The prefix of the timeline RowKeys of rows that were detected at this ISO 8601 time. Rows that were detected earlier sort after the
 * prefix.
 */
export function timelineKeyPrefixAt(at: string): string {
  return newestFirst(Date.parse(at));
}

/** The key of a row in the timeline. The key uses only fields that never change, so a row with a new outcome overwrites the same entity. */
export function timelineKey(row: Pick<DriftRow, 'deviceId' | 'detectedAt' | 'rowKey'>): {
  readonly partitionKey: string;
  readonly rowKey: string;
} {
  return {
    partitionKey: `${hourOf(row.detectedAt)}-${shardOf(row.deviceId, timelineShards).toString(timelineShards)}`,
    rowKey: `${timelineKeyPrefixAt(row.detectedAt)}!${digest(row.deviceId)}!${digest(row.rowKey)}`,
  };
}

/** The prefix of the RowKeys in the open list that belong to rows of a policy. An encoded device id follows. */
export function openListPrefix(policy: string): string {
  return `${policy}!`;
}

/** The key of a row in the open list. Each row has a different key, so the removal of one row never removes another row. */
export function openListKey(row: DriftRow): { readonly partitionKey: string; readonly rowKey: string } {
  return {
    partitionKey: openShards[shardOf(row.deviceId, openShards.length)] ?? openShards[0],
    rowKey: `${openListPrefix(row.policy)}${encodeDeviceId(row.deviceId)}!${digest(row.rowKey)}`,
  };
}

/** The shard of a device, from 0 to `shards` - 1. */
function shardOf(deviceId: string, shards: number): number {
  return createHash('sha256').update(deviceId).digest().readUInt32BE() % shards;
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}
