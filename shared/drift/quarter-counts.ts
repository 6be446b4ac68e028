import type { TableClient } from '@azure/data-tables';
import {
  ignoreNotFound,
  joinText,
  listPartition,
  loadFilterTag,
  packJson,
  splitText,
  unpackJson,
} from '../storage/index.ts';
import { heldUntil, type RunningCompliance, type SpanCompliance } from './hour-compliance.ts';
import { CountSum, type HourCounts, noCounts, withTopNames } from './hour-counts.ts';
import { hourOf } from './timeline-keys.ts';

/** PartitionKey of the counts of days in the roll-up table. The RowKey is the day, UTC, such as `2026-11-22`. */
const quartersPartition = 'quarters';

/** Number of hours in a quarter of a day. */
export const quarterHours = 6;
const firstHours = ['00', '06', '12', '18'];

/**
 * Maximum number of characters of the packed quarters of a day. An entity has at most 1 MiB, and a character takes two bytes. Some hundred
 * policies fit.
 */
const mostCharacters = 400_000;

/** The compliance of a policy's devices in one hour. `at` is the start of the hour, ISO 8601. */
export interface Compliance extends SpanCompliance {
  readonly at: string;
  /** The name of the policy, or {@link wholeFleet}. */
  readonly policy: string;
}

/**
 * Stands for all policies together, in the place of the name of a policy: a device is compliant when it keeps to all policies that apply to it.
 */
export const wholeFleet = '';

/**
 * The counts of a quarter of a day that is over, as a sum of the counts of its hours. The quarters of a day are one entity. A summary of a
 * month then reads 31 entities, and the hours of the two quarters in which its range begins and ends.
 */
export interface QuarterCounts {
  /** The first hour of the quarter, UTC, such as `2026-11-22T06`. */
  readonly quarter: string;
  /** The counts of each hour without its devices, properties and times, oldest first. */
  readonly hours: readonly (readonly [hour: string, counts: HourCounts])[];
  /** The devices, properties and times of all hours together. */
  readonly names: HourCounts;
  readonly compliance: readonly Compliance[];
  /** When the day of the quarter was counted, ISO 8601. */
  readonly countedAt: string;
}

/** The counts of one hour in the roll-up table. */
export interface StoredHour {
  readonly hour: string;
  readonly counts: HourCounts;
  readonly compliance: readonly Compliance[];
}

/** The compliance of the devices of a policy in an hour, as it is stored. */
export interface StoredCompliance extends RunningCompliance {
  readonly policy: string;
}

/** Reads the compliance that is stored with the counts of an hour. */
export function readCompliance(entity: Readonly<Record<string, unknown>>): readonly StoredCompliance[] {
  return parse(joinText('compliance', entity), []);
}

/**
 * Reads an entity with the counts of an hour.
 *
 * @param current The current hour, UTC.
 */
export function readHourEntity(entity: Readonly<Record<string, unknown>>, current: string): StoredHour {
  const hour = String(entity.rowKey);
  const end = hour < current ? Date.parse(`${hour}:00:00Z`) + 3_600_000 : Number.NEGATIVE_INFINITY;
  return {
    hour,
    counts: parse(joinText('tally', entity), noCounts),
    compliance: readCompliance(entity).map(({ policy, ...running }) => ({
      at: `${hour}:00:00Z`,
      policy,
      ...heldUntil(running, end),
    })),
  };
}

/**
 * Adds the stored counts of the hours of a day, and stores the sums of the day's quarters that are over. Must be called again after an hour of
 * the day is counted again. Does nothing when no hour of the day is counted.
 *
 * @param current The current hour, UTC.
 */
export async function storeQuarters(client: TableClient, day: string, current: string): Promise<void> {
  const hours: StoredHour[] = [];
  for await (const entity of listPartition(client, day)) hours.push(readHourEntity(entity, current));
  if (hours.length === 0) return;
  const byQuarter = Map.groupBy(hours, ({ hour }) => quarterOf(hour));
  // A quarter without rows is stored too, so that a summary does not look for its hours.
  const quarters = firstHours
    .map((hour) => `${day}T${hour}`)
    .filter((quarter) => quarter < quarterOf(current))
    .map((quarter) => sumOf(quarter, byQuarter.get(quarter) ?? []));
  const packed = (await packJson(quarters)).toString('base64');
  await client.upsertEntity(
    {
      ...{ partitionKey: quartersPartition, rowKey: day, v: 1, until: quarterOf(current) },
      // Without the quarters, a summary reads the hours.
      ...splitText('packed', packed.length > mostCharacters ? undefined : packed),
    },
    'Replace',
  );
}

function sumOf(quarter: string, hours: readonly StoredHour[]): Omit<QuarterCounts, 'countedAt'> {
  const sum = new CountSum();
  for (const { counts } of hours) sum.add(counts);
  const { devices, properties, times } = withTopNames(sum.counts());
  return {
    quarter,
    hours: hours
      .filter(({ counts }) => counts.total > 0)
      .map(({ hour, counts }) => [hour, { ...counts, devices: {}, properties: {}, times: {} }]),
    names: { ...noCounts, devices, properties, times },
    compliance: hours.flatMap(({ compliance }) => compliance),
  };
}

/** Stores the counts of the day of a quarter that is over, unless they are stored with that quarter. */
export async function storeQuarterOnce(client: TableClient, quarter: string, current: string): Promise<void> {
  const day = quarter.slice(0, 10);
  const stored = await client
    .getEntity<{ readonly until?: string }>(quartersPartition, day, { queryOptions: { select: ['until'] } })
    .catch(ignoreNotFound);
  if ((stored?.until ?? '') <= quarter) await storeQuarters(client, day, current);
}

/**
 * Reads the counts of the quarters that lie between two hours as a whole, oldest first. Reads one entity for each day. Quarters without stored
 * counts are left out.
 */
export async function* readQuarters(client: TableClient, first: string, last: string): AsyncGenerator<QuarterCounts> {
  const odata = await loadFilterTag();
  const [firstDay, lastDay] = [first.slice(0, 10), last.slice(0, 10)];
  const filter = odata`PartitionKey eq ${quartersPartition} and RowKey ge ${firstDay} and RowKey le ${lastDay}`;
  for await (const entity of client.listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
    for (const counts of await unpackQuarters(joinText('packed', entity))) {
      const isWhole = first <= counts.quarter && hourAfter(counts.quarter, quarterHours - 1) <= last;
      if (isWhole) yield { ...counts, countedAt: String(entity.timestamp) };
    }
  }
}

async function unpackQuarters(packed: string | undefined): Promise<readonly QuarterCounts[]> {
  return packed === undefined ? [] : ((await unpackJson(Buffer.from(packed, 'base64'))) as readonly QuarterCounts[]);
}

/** The first hour of the quarter of a day in which an hour lies. */
export function quarterOf(hour: string): string {
  return `${hour.slice(0, 11)}${firstHours[Math.floor(Number(hour.slice(11)) / quarterHours)]}`;
}

/** The hour that is this number of hours after an hour. Both are in UTC, such as `2026-11-22T05`. */
export function hourAfter(hour: string, hours: number): string {
  return hourOf(new Date(Date.parse(`${hour}:00:00Z`) + hours * 3_600_000).toISOString());
}

function parse<T>(text: string | undefined, defaultValue: T): T {
  return text === undefined ? defaultValue : (JSON.parse(text) as T);
}
