import type { TableClient } from '@azure/data-tables';
import { ignoreNotFound, joinText, listPartition, loadFilterTag, splitText } from '../storage/index.ts';
import { CountSum, type HourCounts, noCounts, withTopNames } from './hour-counts.ts';

/** PartitionKey of the counts of whole days in the roll-up table. The RowKey is the day, UTC, such as `2026-11-22`. */
const daysPartition = 'days';

/** Number of a policy's devices, and number of those that were compliant, at one time. */
export interface Compliance {
  readonly at: string;
  readonly policy: string;
  readonly devices: number;
  readonly compliant: number;
}

/** The counts of a day that is over, as a sum of the counts of its hours. A summary of a month then reads 30 entities, and not 720. */
export interface DayCounts {
  readonly day: string;
  /** The counts of each hour without its devices, properties and times, oldest first. */
  readonly hours: readonly (readonly [hour: string, counts: HourCounts])[];
  /** The devices, properties and times of all hours together. */
  readonly names: HourCounts;
  readonly compliance: readonly Compliance[];
  /** When the day was counted, ISO 8601. */
  readonly countedAt: string;
}

/** The counts of one hour in the roll-up table. */
export interface StoredHour {
  readonly hour: string;
  readonly counts: HourCounts;
  readonly compliance: readonly Compliance[];
}

/** Reads an entity with the counts of an hour. */
export function readHourEntity(entity: Readonly<Record<string, unknown>>): StoredHour {
  const hour = String(entity.rowKey);
  const compliance = parse<readonly Omit<Compliance, 'at'>[]>(joinText('compliance', entity), []);
  return {
    hour,
    counts: parse(joinText('tally', entity), noCounts),
    compliance: compliance.map((each) => ({ at: `${hour}:00:00Z`, ...each })),
  };
}

/**
 * Adds the stored counts of the hours of a day, and stores the sum. Must be called again after an hour of the day is counted again. Does nothing
 * when no hour of the day is counted.
 */
export async function storeDay(client: TableClient, day: string): Promise<void> {
  const hours: [string, HourCounts][] = [];
  const sum = new CountSum();
  const compliance: Compliance[] = [];
  for await (const entity of listPartition(client, day)) {
    const stored = readHourEntity(entity);
    sum.add(stored.counts);
    if (stored.counts.total > 0)
      hours.push([stored.hour, { ...stored.counts, devices: {}, properties: {}, times: {} }]);
    compliance.push(...stored.compliance);
  }
  if (hours.length === 0 && compliance.length === 0) return;
  const { devices, properties, times } = withTopNames(sum.counts());
  const names = { ...noCounts, devices, properties, times };
  await client.upsertEntity(
    {
      ...{ partitionKey: daysPartition, rowKey: day, v: 1 },
      ...splitText('hours', JSON.stringify(hours)),
      ...splitText('names', JSON.stringify(names)),
      ...splitText('compliance', JSON.stringify(compliance)),
    },
    'Replace',
  );
}

/** Stores the counts of a day, unless they are stored. */
export async function storeDayOnce(client: TableClient, day: string): Promise<void> {
  const stored = await client
    .getEntity(daysPartition, day, { queryOptions: { select: ['rowKey'] } })
    .catch(ignoreNotFound);
  if (stored === undefined) await storeDay(client, day);
}

/** Reads the counts of the days from `first` to `last`, oldest first. Days without stored counts are left out. */
export async function* readDays(client: TableClient, first: string, last: string): AsyncGenerator<DayCounts> {
  const odata = await loadFilterTag();
  const filter = odata`PartitionKey eq ${daysPartition} and RowKey ge ${first} and RowKey le ${last}`;
  for await (const entity of client.listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
    yield {
      day: String(entity.rowKey),
      hours: parse<DayCounts['hours']>(joinText('hours', entity), []),
      names: parse(joinText('names', entity), noCounts),
      compliance: parse<readonly Compliance[]>(joinText('compliance', entity), []),
      countedAt: String(entity.timestamp),
    };
  }
}

function parse<T>(text: string | undefined, defaultValue: T): T {
  return text === undefined ? defaultValue : (JSON.parse(text) as T);
}
