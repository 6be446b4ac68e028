import type { TableClient } from '@azure/data-tables';
import { once } from '../once.ts';
import { loadFilterTag, openTable, type StorageAccount } from '../storage/index.ts';
import { createHourCounting, defaultRowsPerTurn } from './count-hours.ts';
import { rollupTable } from './history-index.ts';
import { dayRanges } from './key-ranges.ts';
import { createOpenCounters, type OpenCounts } from './open-counts.ts';
import {
  hourAfter,
  type QuarterCounts,
  quarterHours,
  readHourEntity,
  readQuarters,
  type StoredHour,
  wholeFleet,
} from './quarter-counts.ts';
import { type Summary, SummaryCounter, startOf } from './summary.ts';
import { hourOf } from './timeline-keys.ts';

/**
 * Roll-ups: stored counts of history rows for each hour. An hour is counted after its rows change. A query then only adds the stored
 * counts.
 */
export interface Rollups {
  /**
   * Counts the open list, the current hour, and all hours that are marked for a new count, in this order. Stores how many devices of each
   * policy are compliant now, and how many keep to all policies. Must run every few minutes. Reads the marks, the timeline partition of each counted hour, and the shards of the
   * open list. Hours with many rows take turns, and the next call continues an unfinished count. Returns the counts of the open list.
   *
   * @param policies `devices` is the number of devices of the policy, or `undefined` when that number is unknown.
   */
  refresh(
    policies: readonly { readonly name: string; readonly devices: number | undefined }[],
    options?: RefreshOptions,
  ): Promise<OpenCounts>;
  /**
   * Adds the counts of all hours that overlap the time from `from` to `to`, both ISO 8601. Reads one entity for
   * each day, and one for each hour of the quarters of a day in which the range begins and ends.
   *
   * @param bucketHours Length of a bucket of the summary, in hours.
   * @param zone The time zone whose days and hours the buckets follow, such as `Europe/Berlin`. By default, they follow each other from `from`.
   * @throws {RangeError} when the zone does not exist
   */
  summary(from: string, to: string, bucketHours: number, zone?: string): Promise<Summary>;
  /** The counts of the open list, at most as old as the last refresh. Reads at most 49 entities, whatever is open. */
  openCounts(): Promise<OpenCounts>;
}

export interface RefreshOptions {
  /** Number of devices to which at least one policy applies. `undefined` when that number is unknown. */
  readonly fleet?: number | undefined;
  /** Called after each turn of an hour. `false` ends the call. By default the call ends when all hours are counted. */
  readonly mayContinue?: () => boolean;
}

/**
 * Creates the roll-ups of a storage account, which are counts of history rows by hour and by day. In the roll-up table, the PartitionKey of an
 * hour is its day, and the RowKey is the hour. Errors of the storage service are thrown unchanged.
 *
 * @param rowsPerTurn Maximum number of rows of one hour that are counted before the next hour has its turn.
 */
export function createRollups(
  account: StorageAccount,
  now: () => Date,
  { rowsPerTurn = defaultRowsPerTurn }: { readonly rowsPerTurn?: number } = {},
): Rollups {
  const rollups = once(() => openTable(account, rollupTable));
  const openCounters = createOpenCounters(account, now);
  const hours = createHourCounting(account, now, rowsPerTurn);

  return {
    openCounts: () => openCounters.read(),

    async refresh(policies, { fleet, mayContinue = () => true } = {}) {
      const open = await openCounters.refresh();
      const compliance = [
        { name: wholeFleet, devices: fleet, outOfLine: open.outOfLine },
        ...policies.map((policy) => ({ ...policy, outOfLine: open.devices.get(policy.name) ?? 0 })),
      ].flatMap(({ name, devices, outOfLine }) =>
        devices === undefined || outOfLine === undefined
          ? []
          : [{ policy: name, devices, compliant: Math.max(0, devices - outOfLine) }],
      );
      await hours.countHours(compliance, mayContinue);
      return open;
    },

    async summary(from, to, bucketHours, zone) {
      const first = hourOf(from);
      const last = hourOf(new Date(Date.parse(to) - 1).toISOString());
      const counter = new SummaryCounter(first, bucketHours, zone);
      let countedAt: string | undefined;
      const current = hourOf(now().toISOString());
      for await (const counts of countsBetween(await rollups(), first, last, current)) {
        if ('quarter' in counts) counter.addQuarter(counts);
        else counter.add(counts.hour, counts.counts);
        counter.addCompliance(counts.compliance);
        countedAt = counts.countedAt;
      }
      const end = Math.min(startOf(last) + 3_600_000, Math.max(now().getTime(), Date.parse(from)));
      return {
        from: new Date(startOf(first)).toISOString(),
        to: new Date(end).toISOString(),
        ...(countedAt === undefined ? {} : { countedAt: new Date(countedAt).toISOString() }),
        ...counter.summary(),
      };
    },
  };
}

/** The counts from one hour to another, oldest first: of whole quarters of a day where they are stored, otherwise of hours. */
async function* countsBetween(
  client: TableClient,
  first: string,
  last: string,
  current: string,
): AsyncGenerator<QuarterCounts | (StoredHour & { readonly countedAt: string })> {
  const odata = await loadFilterTag();
  const hoursBetween = async function* (from: string, to: string) {
    for (const days of dayRanges(from, to)) {
      const partitions = odata`PartitionKey ge ${days.first} and PartitionKey le ${days.last}`;
      const filter = `${partitions} and ${odata`RowKey ge ${from} and RowKey le ${to}`}`;
      for await (const entity of client.listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
        yield { ...readHourEntity(entity, current), countedAt: String(entity.timestamp) };
      }
    }
  };
  let next = first;
  for await (const counts of readQuarters(client, first, last)) {
    if (next < counts.quarter) yield* hoursBetween(next, hourAfter(counts.quarter, -1));
    yield counts;
    next = hourAfter(counts.quarter, quarterHours);
  }
  if (next <= last) yield* hoursBetween(next, last);
}
