import { createHash } from 'node:crypto';
import { encodeDeviceId, newestFirst } from '../storage/index.ts';
import type { DriftRow } from './departure.ts';

/*
 * Two tables hold copies of history rows, so that queries by time and queries for open rows read only ranges of keys:
 *
 *   TwinkeeperTimeline   PartitionKey  hour of detection, UTC, such as `2026-11-22T05`
 *                        RowKey        `<inverted millisecond>!<hash of device>!<hash of row>`, newest first
 *   TwinkeeperOpen       PartitionKey  `open-0` … `open-7`, by device
 *                        RowKey        `<policy>!<encoded device id>!<hash of row>`
 */

/** Partitions of the open list. Several partitions share the load when the whole fleet drifts at once. */
export const openShards = ['open-0', 'open-1', 'open-2', 'open-3', 'open-4', 'open-5', 'open-6', 'open-7'] as const;

/** The hour (UTC) of an ISO 8601 time, such as `2026-11-22T05`. It is the row's timeline partition. */
export function hourOf(at: string): string {
  return new Date(at).toISOString().slice(0, 13);
}

/** Prefix of the timeline RowKeys of rows detected at this ISO 8601 time. Older rows sort after the prefix. */
export function timelineKeyPrefixAt(at: string): string {
  return newestFirst(Date.parse(at));
}

/** The timeline key of a row. The key uses only fields that never change, so a new outcome overwrites the same entity. */
export function timelineKey(row: DriftRow): { readonly partitionKey: string; readonly rowKey: string } {
  return {
    partitionKey: hourOf(row.detectedAt),
    rowKey: `${timelineKeyPrefixAt(row.detectedAt)}!${digest(row.deviceId)}!${digest(row.rowKey)}`,
  };
}

/** The open-list key of a row. Each row has its own key, so removing one row never removes another. */
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
