import { createHash } from 'node:crypto';
import { lastMillisecond, newestFirst } from '../storage/index.ts';
import type { Departure } from './departure.ts';

/*
 * The table `TwinkeeperDrift` is the journal. Each device is one partition. One transaction can write several rows of a device, and one
 * range of keys can read them:
 *
 *   PartitionKey  encoded device id
 *   RowKey        `head!<hash>`          the head of a module: every write of the module's rows changes the ETag of the head
 *                 `open!<hash>`          an open entry: a copy of an open row
 *                 `row!<time>!<hash>`    a history row, newest first
 *
 * The key of a history row depends only on the identity of the departure from a policy. All processes that detect the departure write
 * the same key.
 */

export const headPrefix = 'head!';
export const openPrefix = 'open!';
export const rowPrefix = 'row!';

/** The RowKey of the head of a module in the journal. `''` is the id of the device twin. */
export function headKey(moduleId: string): string {
  return `${headPrefix}${digest([moduleId])}`;
}

/** The RowKey of a departure's history row in the journal. Rows sort newest first, by the time of the write that caused the drift. */
export function driftKey(departure: Departure): string {
  const { moduleId, policy, path, kind, write } = departure;
  return `${rowKeyPrefixAt(write.at)}!${digest([moduleId, policy, path, kind, String(write.version), write.at])}`;
}

/** The RowKey of a departure's open entry in the journal. Departures with the same module, policy, path and kind share one open entry. */
export function openKey({ moduleId, policy, path, kind }: Departure): string {
  return `${openPrefix}${digest([moduleId, policy, path, kind])}`;
}

/**
 * The prefix of the RowKeys of history rows whose write has this ISO 8601 time. Rows with older writes sort after the prefix. The prefix
 * keeps the hub's full precision of 100 ns, because several writes within one millisecond are common. A time that cannot be parsed sorts as
 * the oldest.
 */
export function rowKeyPrefixAt(at: string): string {
  const parsed = Date.parse(at);
  const isReadable = parsed >= 0;
  const milliseconds = isReadable ? Math.min(lastMillisecond, parsed) : 0;
  const ticks = isReadable ? Number((/\.\d{3}(\d{1,4})/.exec(at)?.[1] ?? '').padEnd(4, '0')) : 0;
  return `${rowPrefix}${newestFirst(milliseconds)}${String(9999 - ticks).padStart(4, '0')}`;
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 27);
}
