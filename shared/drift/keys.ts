import { createHash } from 'node:crypto';
import { lastMillisecond, newestFirst } from '../storage/index.ts';
import type { Departure } from './departure.ts';

/*
 * The table `TwinkeeperDrift`. Each device is one partition, so that all of it is written in one transaction and read as one range:
 *
 *   PartitionKey  encoded device id
 *   RowKey        `open!<slot>`          one entity for each departure that is still out of line
 *                 `row!<time>!<hash>`    one row of history, newest first
 *
 * A row's key is made of nothing but the departure's identity, so whoever sees the same departure, however often, writes the same key.
 */

export const openPrefix = 'open!';
export const rowPrefix = 'row!';

/** The RowKey of a departure's history row. Rows sort newest first by the time of the write that brought them. */
export function driftKey(departure: Departure): string {
  const { moduleId, policy, path, kind, write } = departure;
  return `${rowsFrom(write.at)}!${digest([moduleId, policy, path, kind, String(write.version), write.at])}`;
}

/** The RowKey under which a departure is kept while it is out of line: the same for every departure of this property from this policy. */
export function openKey({ moduleId, policy, path, kind }: Departure): string {
  return `${openPrefix}${digest([moduleId, policy, path, kind])}`;
}

/**
 * The RowKey at which the rows of writes at this time begin; older ones sort after it. To the 100 ns that the hub's times tell, because
 * several writes in one millisecond are nothing rare. A time that cannot be read sorts as the oldest.
 */
export function rowsFrom(at: string): string {
  const parsed = Date.parse(at);
  const isReadable = parsed >= 0;
  const milliseconds = isReadable ? Math.min(lastMillisecond, parsed) : 0;
  const ticks = isReadable ? Number((/\.\d{3}(\d{1,4})/.exec(at)?.[1] ?? '').padEnd(4, '0')) : 0;
  return `${rowPrefix}${newestFirst(milliseconds)}${String(9999 - ticks).padStart(4, '0')}`;
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 27);
}
