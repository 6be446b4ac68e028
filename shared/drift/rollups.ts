import type { TableClient } from '@azure/data-tables';
import { once } from '../once.ts';
import {
  ignoreNotFound,
  joinText,
  listPartition,
  loadFilterTag,
  openTable,
  type StorageAccount,
  splitText,
} from '../storage/index.ts';
import { retentionKey, rollupTable, timelineTable, uncountedPartition } from './history-index.ts';
import { HourCounter, type HourCounts, noCounts } from './hour-counts.ts';
import { createOpenCounters, type OpenCounts } from './open-counts.ts';
import { fromEntity } from './row-entity.ts';
import { type Compliance, type CountedHour, type Summary, startOf, summarizeHours } from './summary.ts';
import { hourOf } from './timeline-keys.ts';

/**
 * Roll-ups: stored counts of history rows for each hour. An hour is counted after its rows change. A query then only adds the stored
 * counts.
 */
export interface Rollups {
  /**
   * Counts the current hour again, and all hours that are marked for a new count. Stores how many devices of each policy are compliant now.
   * Must run every few minutes. Reads the marks, the timeline partition of each counted hour, and the shards of the open list. Returns the
   * counts of the open list.
   *
   * @param policies `devices` is the number of devices of the policy, or `undefined` when that number is unknown.
   */
  refresh(policies: readonly { readonly name: string; readonly devices: number | undefined }[]): Promise<OpenCounts>;
  /**
   * Adds the counts of all hours that overlap the time from `from` to `to`, both ISO 8601. Reads one range of keys for each day.
   *
   * @param bucketHours Length of a bucket of the summary, in hours.
   */
  summary(from: string, to: string, bucketHours: number): Promise<Summary>;
  /** The counts of the open list, at most as old as the last refresh. Reads at most 49 entities, whatever is open. */
  openCounts(): Promise<OpenCounts>;
}

/** The columns of a row that are counted. The values of properties are not read, because a value can have 32 KB. */
const countedColumns = [
  ...['deviceId', 'policy', 'path', 'kind', 'outcome'],
  ...['outcomeAt', 'operationTimestamp', 'detectedAt'],
];

/**
 * Milliseconds for which the mark of an hour stays after the end of the hour. A process that has marked the current hour may still write
 * rows of that hour, and does not mark the hour again.
 */
const slowWriteTime = 5 * 60_000;

/**
 * Creates the roll-ups of a storage account, which are counts of history rows by hour. In the roll-up table, the PartitionKey is the day
 * and the RowKey is the hour. Errors of the storage service are thrown unchanged.
 */
export function createRollups(account: StorageAccount, now: () => Date): Rollups {
  const rollups = once(() => openTable(account, rollupTable));
  const timeline = once(() => openTable(account, timelineTable));
  const openCounters = createOpenCounters(account, now);

  async function countHour(hour: string): Promise<HourCounts> {
    const counter = new HourCounter();
    for await (const entity of listPartition(await timeline(), hour, countedColumns)) counter.add(fromEntity(entity));
    return counter.counts();
  }

  /** Counts the rows of an hour and stores the counts. Without `compliance`, keeps the compliance that is stored for the hour. */
  async function storeCounts(client: TableClient, hour: string, compliance: object | undefined): Promise<void> {
    const day = hour.slice(0, 10);
    const counts = await countHour(hour);
    const stored = await client.getEntity<Record<string, unknown>>(day, hour).catch(ignoreNotFound);
    const complianceText = compliance === undefined ? joinText('compliance', stored ?? {}) : JSON.stringify(compliance);
    const entity = {
      partitionKey: day,
      rowKey: hour,
      v: 1,
      total: counts.total,
      ...splitText('tally', JSON.stringify(counts)),
      ...splitText('compliance', complianceText),
    };
    // The entity is replaced, not merged. A merge would keep old parts of a text that is now shorter.
    await client.upsertEntity(entity, 'Replace');
  }

  return {
    openCounts: () => openCounters.read(),

    async refresh(policies) {
      const client = await rollups();
      const current = hourOf(now().toISOString());
      const marks: { readonly hour: string; readonly etag: string }[] = [];
      for await (const { rowKey, etag } of listPartition(await rollups(), uncountedPartition)) {
        marks.push({ hour: String(rowKey), etag: String(etag) });
      }
      const open = await openCounters.refresh();
      const compliance = policies.flatMap(({ name, devices }) =>
        devices === undefined
          ? []
          : [{ policy: name, devices, compliant: Math.max(0, devices - (open.devices.get(name) ?? 0)) }],
      );
      const firstComplete = await firstCompleteHour(client);
      const firstActiveHour = hourOf(new Date(now().getTime() - slowWriteTime).toISOString());
      for (const hour of new Set([...marks.map((mark) => mark.hour), current])) {
        // Retention removed rows of hours before `firstComplete`. A new count of such an hour would miss the removed rows.
        if (hour >= firstComplete) await storeCounts(client, hour, hour === current ? compliance : undefined);
        const mark = marks.find((each) => each.hour === hour);
        if (mark === undefined || hour >= firstActiveHour) continue;
        // The ETag keeps the mark of an hour when the hour was marked again during the count.
        await client.deleteEntity(uncountedPartition, hour, { etag: mark.etag }).catch((error: unknown) => {
          const { statusCode } = error as { readonly statusCode?: unknown };
          if (statusCode !== 412 && statusCode !== 404) throw error;
        });
      }
      return open;
    },

    async summary(from, to, bucketHours) {
      const first = hourOf(from);
      const last = hourOf(new Date(Date.parse(to) - 1).toISOString());
      const odata = await loadFilterTag();
      const hours: CountedHour[] = [];
      const compliance: Compliance[] = [];
      let countedAt: string | undefined;
      const client = await rollups();
      for (let day = Date.parse(`${first.slice(0, 10)}T00:00:00Z`); day < Date.parse(to); day += 86_400_000) {
        const name = new Date(day).toISOString().slice(0, 10);
        const filter = odata`PartitionKey eq ${name} and RowKey ge ${first} and RowKey le ${last}`;
        for await (const entity of client.listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
          const hour = String(entity.rowKey);
          countedAt = entity.timestamp;
          hours.push({ hour, counts: parse(joinText('tally', entity), noCounts) });
          const stored = parse<readonly Omit<Compliance, 'at'>[]>(joinText('compliance', entity), []);
          compliance.push(...stored.map((each) => ({ at: `${hour}:00:00Z`, ...each })));
        }
      }
      const end = Math.min(startOf(last) + 3_600_000, Math.max(now().getTime(), Date.parse(from)));
      return {
        from: new Date(startOf(first)).toISOString(),
        to: new Date(end).toISOString(),
        ...(countedAt === undefined ? {} : { countedAt: new Date(countedAt).toISOString() }),
        ...summarizeHours(hours, first, bucketHours),
        compliance,
      };
    },
  };
}

function parse<T>(text: string | undefined, defaultValue: T): T {
  return text === undefined ? defaultValue : (JSON.parse(text) as T);
}

/** The first hour whose timeline rows are complete. `''` when retention has never removed rows. */
async function firstCompleteHour(client: TableClient): Promise<string> {
  const entity = await client.getEntity<{ readonly since?: string }>(retentionKey, retentionKey).catch(ignoreNotFound);
  return entity?.since ?? '';
}
