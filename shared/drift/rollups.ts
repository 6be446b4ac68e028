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
import { openListTable, retained, rollupTable, timelineTable, uncounted } from './history-index.ts';
import { addCounts, HourCounter, type HourCounts, largestOf, noCounts, percentileOf } from './hour-counts.ts';
import { fromEntity } from './row-entity.ts';
import { hourOf, openShards } from './timeline-keys.ts';

/** How much of a policy's devices was in line at a time. */
export interface Compliance {
  readonly at: string;
  readonly policy: string;
  readonly devices: number;
  readonly compliant: number;
}

export interface SummaryBucket {
  readonly from: string;
  readonly total: number;
  readonly byPolicy: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<string, number>>;
  readonly byOutcome: Readonly<Record<string, number>>;
}

/** The history of some time in numbers. */
export interface Summary {
  /** What was counted, ISO 8601: whole hours, of which the last may not be over. */
  readonly from: string;
  readonly to: string;
  /** When the last of its hours that anything is known of was counted. */
  readonly countedAt?: string;
  readonly bucketHours: number;
  /** Without those in which nothing was detected. */
  readonly buckets: readonly SummaryBucket[];
  readonly total: number;
  readonly topDevices: readonly { readonly deviceId: string; readonly count: number }[];
  readonly topProperties: readonly { readonly policy: string; readonly path: string; readonly count: number }[];
  /** From the change to the mended twin, in milliseconds, within an eighth; absent where nothing was mended. */
  readonly timeToEnforcedMs?: { readonly p50: number; readonly p99: number };
  /** Once an hour at most, oldest first. */
  readonly compliance: readonly Compliance[];
}

/** The history in numbers, hour by hour, counted once from the timeline rather than whenever somebody asks. */
export interface Rollups {
  /**
   * Counts the hours again that have changed, and how many devices of each policy are in line now. To be called every few minutes. Reads the
   * partition of marks, that of each marked hour in the timeline, and the shards of the open list.
   */
  refresh(policies: readonly { readonly name: string; readonly devices: number | undefined }[]): Promise<void>;
  /** Of the hours that have some time between `from` and `to`, both ISO 8601. One range of keys for each day. */
  summary(from: string, to: string, bucketHours: number): Promise<Summary>;
  /** Counts, for each policy, the devices that are out of line now. One range of keys for each shard of the open list. */
  openDevices(): Promise<ReadonlyMap<string, number>>;
}

/** So long after its end an hour may still be written to by those who noted, while it lasted, that it changes; in milliseconds. */
const settlesAfter = 5 * 60_000;

/** How many devices and properties a summary names. */
const named = 10;

/** The roll-ups of a storage account: PartitionKey the day, RowKey the hour. Errors of the storage service are thrown as they come. */
export function createRollups(account: StorageAccount, now: () => Date): Rollups {
  const rollups = once(() => openTable(account, rollupTable));
  const timeline = once(() => openTable(account, timelineTable));
  const openList = once(() => openTable(account, openListTable));

  async function countHour(hour: string): Promise<HourCounts> {
    const counter = new HourCounter();
    for await (const entity of listPartition(await timeline(), hour)) counter.add(fromEntity(entity));
    return counter.tally();
  }

  async function openDevices(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const shard of openShards) {
      let last = '';
      for await (const { rowKey } of listPartition(await openList(), shard, ['rowKey'])) {
        // Sorted by policy, then by device: what belongs together comes together.
        const [policy = '', device = ''] = String(rowKey).split('!');
        if (`${policy}!${device}` === last) continue;
        last = `${policy}!${device}`;
        counts.set(policy, (counts.get(policy) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** Counts an hour and keeps the compliance that was noted in it, unless there is a newer one. */
  async function count(client: TableClient, hour: string, compliance: object | undefined): Promise<void> {
    const day = hour.slice(0, 10);
    const tally = await countHour(hour);
    const before = await client.getEntity<Record<string, unknown>>(day, hour).catch(ignoreNotFound);
    const shares = compliance === undefined ? joinText('compliance', before ?? {}) : JSON.stringify(compliance);
    const entity = {
      partitionKey: day,
      rowKey: hour,
      v: 1,
      total: tally.total,
      ...splitText('tally', JSON.stringify(tally)),
      ...splitText('compliance', shares),
    };
    // Not merged: of a text that was longer before, the rest would stay.
    await client.upsertEntity(entity, 'Replace');
  }

  return {
    openDevices,

    async refresh(policies) {
      const client = await rollups();
      const current = hourOf(now().toISOString());
      const marks: { readonly hour: string; readonly etag: string }[] = [];
      for await (const { rowKey, etag } of listPartition(await rollups(), uncounted)) {
        marks.push({ hour: String(rowKey), etag: String(etag) });
      }
      const open = await openDevices();
      const compliance = policies.flatMap(({ name, devices }) =>
        devices === undefined
          ? []
          : [{ policy: name, devices, compliant: Math.max(0, devices - (open.get(name) ?? 0)) }],
      );
      const oldest = await oldestWhole(client);
      const settled = hourOf(new Date(now().getTime() - settlesAfter).toISOString());
      for (const hour of new Set([...marks.map((mark) => mark.hour), current])) {
        // What has been removed from the timeline would be missing in a new count.
        if (hour >= oldest) await count(client, hour, hour === current ? compliance : undefined);
        const mark = marks.find((one) => one.hour === hour);
        // As long as an hour lasts, and a little longer, it stays marked; and so does one that has changed since it was counted.
        if (mark === undefined || hour >= settled) continue;
        await client.deleteEntity(uncounted, hour, { etag: mark.etag }).catch((error: unknown) => {
          const { statusCode } = error as { readonly statusCode?: unknown };
          if (statusCode !== 412 && statusCode !== 404) throw error;
        });
      }
    },

    async summary(from, to, bucketHours) {
      const first = hourOf(from);
      const last = hourOf(new Date(Date.parse(to) - 1).toISOString());
      const { odata } = await import('@azure/data-tables');
      const hours: { readonly hour: string; readonly tally: HourCounts }[] = [];
      const compliance: Compliance[] = [];
      let countedAt: string | undefined;
      const client = await rollups();
      for (let day = Date.parse(`${first.slice(0, 10)}T00:00:00Z`); day < Date.parse(to); day += 86_400_000) {
        const name = new Date(day).toISOString().slice(0, 10);
        const filter = odata`PartitionKey eq ${name} and RowKey ge ${first} and RowKey le ${last}`;
        for await (const entity of client.listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
          const hour = String(entity.rowKey);
          countedAt = entity.timestamp;
          hours.push({ hour, tally: parse(joinText('tally', entity), noCounts) });
          const shares = parse<readonly Omit<Compliance, 'at'>[]>(joinText('compliance', entity), []);
          compliance.push(...shares.map((share) => ({ at: `${hour}:00:00Z`, ...share })));
        }
      }
      const bucketOf = (hour: string) => {
        const since = (Date.parse(`${hour}:00:00Z`) - Date.parse(`${first}:00:00Z`)) / 3_600_000;
        const start = Date.parse(`${first}:00:00Z`) + Math.floor(since / bucketHours) * bucketHours * 3_600_000;
        return new Date(start).toISOString();
      };
      const buckets = [...Map.groupBy(hours, ({ hour }) => bucketOf(hour))].flatMap(([start, its]): SummaryBucket[] => {
        const { total, byPolicy, byKind, byOutcome } = addCounts(its.map(({ tally }) => tally));
        return total === 0 ? [] : [{ from: start, total, byPolicy, byKind, byOutcome }];
      });
      const all = addCounts(hours.map(({ tally }) => tally));
      const p50 = percentileOf(all.times, 0.5);
      const p99 = percentileOf(all.times, 0.99);
      const end = Math.min(Date.parse(`${last}:00:00Z`) + 3_600_000, Math.max(now().getTime(), Date.parse(from)));
      return {
        from: new Date(`${first}:00:00Z`).toISOString(),
        to: new Date(end).toISOString(),
        ...(countedAt === undefined ? {} : { countedAt: new Date(countedAt).toISOString() }),
        bucketHours,
        buckets,
        total: all.total,
        topDevices: largestOf(all.devices, named).map(([deviceId, count]) => ({ deviceId, count })),
        topProperties: largestOf(all.properties, named).map(([name, count]) => {
          const [policy = '', ...path] = name.split(' ');
          return { policy, path: path.join(' '), count };
        }),
        ...(p50 === undefined || p99 === undefined ? {} : { timeToEnforcedMs: { p50, p99 } }),
        compliance,
      };
    },
  };
}

function parse<T>(text: string | undefined, otherwise: T): T {
  return text === undefined ? otherwise : (JSON.parse(text) as T);
}

/** The first hour that the timeline still has all rows of. */
async function oldestWhole(client: TableClient): Promise<string> {
  const entity = await client.getEntity<{ readonly since?: string }>(retained, retained).catch(ignoreNotFound);
  return entity?.since ?? '';
}
