import type { TableClient } from '@azure/data-tables';
import { encodeDeviceId } from '../storage/index.ts';
import type { PagePosition } from './history-cursor.ts';
import { uncountedPartition } from './history-index.ts';
import type { DriftQuery, OpenQuery } from './history-query.ts';
import { openPrefix, rowKeyPrefixAt, rowPrefix } from './keys.ts';
import { hourOf, openShards, timelineKeyPrefixAt } from './timeline-keys.ts';

/** A range of RowKeys in one partition of one table. `from` and `to` are inclusive. */
export interface KeyRange {
  readonly table: 'drift' | 'timeline' | 'open';
  readonly partition: string;
  readonly from: string;
  readonly to: string;
}

/** A range of times of detection, ISO 8601. `from` is inclusive, `to` is exclusive. */
export interface TimeRange {
  readonly from: string;
  readonly to: string;
}

/** Maximum milliseconds by which the hub's clock may be ahead of the app's clock. */
const clockSkew = 5 * 60_000;

/** The range of a device's history rows. `to` (ISO 8601, exclusive) is the query's latest time of detection. */
export function deviceRange(deviceId: string, to: string | undefined): KeyRange {
  // Rows sort by the time of their write, which precedes the detection. The hub's clock sets that time.
  const from = to === undefined ? rowPrefix : rowKeyPrefixAt(new Date(Date.parse(to) + clockSkew).toISOString());
  return { table: 'drift', partition: encodeDeviceId(deviceId), from, to: `${rowPrefix}~` };
}

/** The timeline's ranges for a time range, newest hour first. Begins with the hour of `position`, when there is one. */
export async function* timelineRanges(
  { from, to }: TimeRange,
  position: PagePosition | undefined,
  rollups: () => Promise<TableClient>,
): AsyncGenerator<KeyRange> {
  const endOfHour = position === undefined ? undefined : `${position.partition}:59:59.999Z`;
  const end = endOfHour !== undefined && Date.parse(endOfHour) < Date.parse(to) ? endOfHour : to;
  for await (const hour of hoursWithRows(from, end, rollups)) {
    yield {
      table: 'timeline',
      partition: hour,
      // Keys are in reverse order of time. `to` is exclusive, so the range begins with the millisecond before it.
      from: timelineKeyPrefixAt(new Date(Date.parse(to) - 1).toISOString()),
      to: `${timelineKeyPrefixAt(from)}~`,
    };
  }
}

/** The ranges that hold the open departures of a query. */
export async function* openRanges(query: OpenQuery): AsyncGenerator<KeyRange> {
  if (query.deviceId !== undefined) {
    yield { table: 'drift', partition: encodeDeviceId(query.deviceId), from: openPrefix, to: `${openPrefix}~` };
    return;
  }
  const prefix = query.policy === undefined ? '' : `${query.policy}!`;
  for (const partition of openShards) yield { table: 'open', partition, from: prefix, to: `${prefix}~` };
}

/** Whether a partition can hold rows of a {@link DriftQuery}: the device's partition, or an hour of the timeline. */
export function isHistoryPartition({ deviceId }: DriftQuery): (name: string) => boolean {
  return deviceId === undefined ? isHour : (name) => name === encodeDeviceId(deviceId);
}

/** Whether a partition can hold rows of an {@link OpenQuery}: the device's partition, or a shard of the open list. */
export function isOpenPartition({ deviceId }: OpenQuery): (name: string) => boolean {
  return deviceId === undefined ? isShard : (name) => name === encodeDeviceId(deviceId);
}

/**
 * The hours in which rows were detected, newest first. Takes hours with a count above zero and hours that are not counted yet from the
 * roll-ups. Reads one range for each day.
 */
async function* hoursWithRows(from: string, to: string, rollups: () => Promise<TableClient>): AsyncGenerator<string> {
  const { odata } = await import('@azure/data-tables');
  const first = hourOf(from);
  const last = hourOf(new Date(Date.parse(to) - 1).toISOString());
  const client = await rollups();
  const hoursIn = async (partition: string, condition = '') => {
    const range = odata`PartitionKey eq ${partition} and RowKey ge ${first} and RowKey le ${last}`;
    const filter = `${range}${condition}`;
    const hours: string[] = [];
    for await (const { rowKey } of client.listEntities({ queryOptions: { filter, select: ['rowKey'] } })) {
      if (rowKey !== undefined) hours.push(rowKey);
    }
    return hours;
  };
  const uncounted = await hoursIn(uncountedPartition);
  const firstDay = Date.parse(first.slice(0, 10));
  for (let day = Date.parse(`${last.slice(0, 10)}T00:00:00Z`); day >= firstDay; day -= 86_400_000) {
    const name = new Date(day).toISOString().slice(0, 10);
    const counted = await hoursIn(name, ' and total gt 0');
    const hours = new Set([...counted, ...uncounted.filter((hour) => hour.startsWith(name))]);
    yield* [...hours].toSorted().reverse();
  }
}

const isHour = (name: string) => /^\d{4}-\d\d-\d\dT\d\d$/.test(name) && Date.parse(`${name}:00:00Z`) >= 0;
const isShard = (name: string) => openShards.some((shard) => shard === name);
