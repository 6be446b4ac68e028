import type { TableClient } from '@azure/data-tables';
import { encodeDeviceId, endOfPrefix, loadFilterTag } from '../storage/index.ts';
import type { PagePosition } from './history-cursor.ts';
import { uncountedPartition } from './history-index.ts';
import type { DriftQuery, OpenQuery } from './history-query.ts';
import { openPrefix, rowKeyPrefixAt, rowPrefix } from './keys.ts';
import { hourOf, openListPrefix, openShards, timelineKeyPrefixAt } from './timeline-keys.ts';

/**
 * A range of RowKeys in one partition of one table. `from` is inclusive, `to` is exclusive. In the timeline, `partition` is an hour, and stands
 * for all partitions of the hour.
 */
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

/** The key range of a device's rows in the journal. `to` is the end of the query's times of detection, exclusive, ISO 8601. */
export function deviceRange(deviceId: string, to: string | undefined): KeyRange {
  // The journal sorts rows by the hub's time of the write that caused the drift. Twinkeeper detects the drift after the write, but the
  // hub's clock may be ahead. The range therefore also contains writes until `clockSkew` after `to`.
  const from = to === undefined ? rowPrefix : rowKeyPrefixAt(new Date(Date.parse(to) + clockSkew).toISOString());
  return { table: 'drift', partition: encodeDeviceId(deviceId), from, to: endOfPrefix(rowPrefix) };
}

/**
 * The key ranges of the timeline for a time range, newest hour first. With the position of a page of results, the ranges begin with the
 * hour of that position.
 */
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
      // The keys of newer rows sort first. `to` is exclusive, so the range begins with the last millisecond before `to`.
      from: timelineKeyPrefixAt(new Date(Date.parse(to) - 1).toISOString()),
      to: endOfPrefix(timelineKeyPrefixAt(from)),
    };
  }
}

/** The key ranges that hold the open rows of a query. */
export async function* openRanges(query: OpenQuery): AsyncGenerator<KeyRange> {
  if (query.deviceId !== undefined) {
    yield {
      table: 'drift',
      partition: encodeDeviceId(query.deviceId),
      from: openPrefix,
      to: endOfPrefix(openPrefix),
    };
    return;
  }
  const prefix = query.policy === undefined ? undefined : openListPrefix(query.policy);
  // The range from `''` to `~` holds all keys of the open list: each key begins with the name of a policy, and no name begins with `~` or a
  // later character.
  const [from, to] = prefix === undefined ? ['', '~'] : [prefix, endOfPrefix(prefix)];
  for (const partition of openShards) yield { table: 'open', partition, from, to };
}

/**
 * Returns a check whether a partition can hold rows of a {@link DriftQuery}. Such a partition is the device's partition of the journal, or
 * an hour of the timeline when the query names no device.
 */
export function isHistoryPartition({ deviceId }: DriftQuery): (name: string) => boolean {
  return deviceId === undefined ? isHour : (name) => name === encodeDeviceId(deviceId);
}

/**
 * Returns a check whether a partition can hold rows of an {@link OpenQuery}. Such a partition is the device's partition of the journal, or
 * a shard of the open list when the query names no device.
 */
export function isOpenPartition({ deviceId }: OpenQuery): (name: string) => boolean {
  return deviceId === undefined ? isShard : (name) => name === encodeDeviceId(deviceId);
}

/**
 * The hours in which rows were detected, newest first. According to the roll-ups, such an hour has a count above zero or must be counted
 * again. Reads one range of the roll-up table for each {@link daysPerRequest} days.
 */
async function* hoursWithRows(from: string, to: string, rollups: () => Promise<TableClient>): AsyncGenerator<string> {
  const odata = await loadFilterTag();
  const first = hourOf(from);
  const last = hourOf(new Date(Date.parse(to) - 1).toISOString());
  const client = await rollups();
  const hoursIn = async (partitions: string, condition = '') => {
    const filter = `${partitions} and ${odata`RowKey ge ${first} and RowKey le ${last}`}${condition}`;
    const hours: string[] = [];
    for await (const { rowKey } of client.listEntities({ queryOptions: { filter, select: ['rowKey'] } })) {
      if (rowKey !== undefined) hours.push(rowKey);
    }
    return hours;
  };
  const uncounted = await hoursIn(odata`PartitionKey eq ${uncountedPartition}`);
  for (const days of dayRanges(first, last).toReversed()) {
    const partitions = odata`PartitionKey ge ${days.first} and PartitionKey le ${days.last}`;
    const counted = await hoursIn(partitions, ' and total gt 0');
    const marked = uncounted.filter((hour) => hour.slice(0, 10) >= days.first && hour.slice(0, 10) <= days.last);
    yield* [...new Set([...counted, ...marked])].toSorted().reverse();
  }
}

/** Maximum number of days whose roll-ups are read at once. Their hours are one response of Table Storage, which has up to 1,000 entities. */
const daysPerRequest = 31;

/** Splits the days from one hour to another into ranges of at most {@link daysPerRequest} days, oldest first. */
export function dayRanges(firstHour: string, lastHour: string): readonly { first: string; last: string }[] {
  const day = 86_400_000;
  const toName = (time: number) => new Date(time).toISOString().slice(0, 10);
  const end = Date.parse(lastHour.slice(0, 10));
  const ranges: { first: string; last: string }[] = [];
  for (let start = Date.parse(firstHour.slice(0, 10)); start <= end; start += daysPerRequest * day) {
    ranges.push({ first: toName(start), last: toName(Math.min(end, start + (daysPerRequest - 1) * day)) });
  }
  return ranges;
}

const isHour = (name: string) => /^\d{4}-\d\d-\d\dT\d\d$/.test(name) && Date.parse(`${name}:00:00Z`) >= 0;
const isShard = (name: string) => openShards.some((shard) => shard === name);
