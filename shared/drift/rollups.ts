import type { TableClient } from '@azure/data-tables';
import { once } from '../once.ts';
import {
  ignoreNotFound,
  joinText,
  listPartition,
  openTable,
  type StorageAccount,
  splitText,
} from '../storage/index.ts';
import { openListTable, retentionKey, rollupTable, timelineTable, uncountedPartition } from './history-index.ts';
import { HourCounter, type HourCounts, noCounts } from './hour-counts.ts';
import { fromEntity } from './row-entity.ts';
import { type Compliance, type CountedHour, type Summary, startOf, summarizeHours } from './summary.ts';
import { hourOf, openShards } from './timeline-keys.ts';

/** Counts of the history by hour. Each hour is counted from the timeline when it changes, so that queries need not count. */
export interface Rollups {
  /**
   * Counts the changed hours again, and records how many devices of each policy are compliant now. Must run every few minutes. Reads
   * the partition of marks, the timeline partition of each marked hour, and the shards of the open list.
   */
  refresh(policies: readonly { readonly name: string; readonly devices: number | undefined }[]): Promise<void>;
  /**
   * Sums the hours that overlap the time from `from` to `to`, both ISO 8601. `bucketHours` is the length of a bucket. Reads one range of
   * keys for each day.
   */
  summary(from: string, to: string, bucketHours: number): Promise<Summary>;
  /** Counts the devices with open departures, by policy. Reads the shards of the open list. */
  openDevices(): Promise<ReadonlyMap<string, number>>;
}

/**
 * Milliseconds after the end of an hour in which its mark stays. A process that marked the current hour may still write rows of it, and
 * does not mark the hour again.
 */
const slowWriteTime = 5 * 60_000;

/** The roll-ups of a storage account. PartitionKey is the day, RowKey the hour. Errors of the storage service are thrown unchanged. */
export function createRollups(account: StorageAccount, now: () => Date): Rollups {
  const rollups = once(() => openTable(account, rollupTable));
  const timeline = once(() => openTable(account, timelineTable));
  const openList = once(() => openTable(account, openListTable));

  async function countHour(hour: string): Promise<HourCounts> {
    const counter = new HourCounter();
    for await (const entity of listPartition(await timeline(), hour)) counter.add(fromEntity(entity));
    return counter.counts();
  }

  async function openDevices(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const shard of openShards) {
      let last = '';
      for await (const { rowKey } of listPartition(await openList(), shard, ['rowKey'])) {
        // Keys sort by policy and then by device, so the rows of one device follow each other.
        const [policy = '', device = ''] = String(rowKey).split('!');
        if (`${policy}!${device}` === last) continue;
        last = `${policy}!${device}`;
        counts.set(policy, (counts.get(policy) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** Counts an hour and stores the counts. Without `compliance`, keeps the hour's stored compliance. */
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
    // A merge would keep the remaining parts of a longer text.
    await client.upsertEntity(entity, 'Replace');
  }

  return {
    openDevices,

    async refresh(policies) {
      const client = await rollups();
      const current = hourOf(now().toISOString());
      const marks: { readonly hour: string; readonly etag: string }[] = [];
      for await (const { rowKey, etag } of listPartition(await rollups(), uncountedPartition)) {
        marks.push({ hour: String(rowKey), etag: String(etag) });
      }
      const open = await openDevices();
      const compliance = policies.flatMap(({ name, devices }) =>
        devices === undefined
          ? []
          : [{ policy: name, devices, compliant: Math.max(0, devices - (open.get(name) ?? 0)) }],
      );
      const firstComplete = await firstCompleteHour(client);
      const firstActiveHour = hourOf(new Date(now().getTime() - slowWriteTime).toISOString());
      for (const hour of new Set([...marks.map((mark) => mark.hour), current])) {
        // Retention removed rows of older hours. A new count would miss those rows.
        if (hour >= firstComplete) await storeCounts(client, hour, hour === current ? compliance : undefined);
        const mark = marks.find((each) => each.hour === hour);
        if (mark === undefined || hour >= firstActiveHour) continue;
        // The ETag keeps the mark of an hour that changed during the count.
        await client.deleteEntity(uncountedPartition, hour, { etag: mark.etag }).catch((error: unknown) => {
          const { statusCode } = error as { readonly statusCode?: unknown };
          if (statusCode !== 412 && statusCode !== 404) throw error;
        });
      }
    },

    async summary(from, to, bucketHours) {
      const first = hourOf(from);
      const last = hourOf(new Date(Date.parse(to) - 1).toISOString());
      const { odata } = await import('@azure/data-tables');
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
