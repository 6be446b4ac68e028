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
import { type SpanCompliance, withSample } from './hour-compliance.ts';
import { HourCounter, type HourCounts } from './hour-counts.ts';
import {
  hourAfter,
  quarterOf,
  readCompliance,
  type StoredCompliance,
  storeQuarterOnce,
  storeQuarters,
} from './quarter-counts.ts';
import { fromEntity } from './row-entity.ts';
import { hourOf, timelinePartitions } from './timeline-keys.ts';

/** The columns of a row that are counted. The values of properties are not read, because a value can have 32 KB. */
const countedColumns = [
  ...['partitionKey', 'rowKey', 'deviceId', 'policy', 'path', 'kind', 'outcome'],
  ...['outcomeAt', 'operationTimestamp', 'detectedAt', 'twinVersion', 'writeExact', 'writeVersion', 'isFirst'],
];

/**
 * Milliseconds for which the mark of an hour stays after the end of the hour. A process that has marked the current hour may still write
 * rows of that hour, and does not mark the hour again.
 */
const slowWriteTime = 5 * 60_000;

/** Maximum number of rows that are counted before another hour has its turn, and before the progress of the count is stored. */
export const defaultRowsPerTurn = 50_000;

/** PartitionKey of the unfinished counts in the roll-up table. The RowKey is the hour. */
const unfinishedPartition = 'counting';

/** A count of one hour that has begun. */
interface Count {
  readonly hour: string;
  readonly startedAt: string;
  /** The ETag of the hour's mark when the count began. `''` when the hour had no mark. */
  readonly markEtag: string;
  /** The PartitionKey and the RowKey of the last counted row. */
  readonly after: { readonly partition: string; readonly row: string } | undefined;
  readonly counter: HourCounter;
  /** The compliance to store with the counts. `undefined` keeps the stored compliance. */
  readonly compliance: readonly StoredCompliance[] | undefined;
  readonly isStored: boolean;
}

/** How many devices of a policy are compliant now. */
export interface ComplianceNow extends Pick<SpanCompliance, 'devices' | 'compliant'> {
  readonly policy: string;
}

export interface HourCounting {
  /**
   * Adds how many devices are compliant now to the compliance of the current hour. Counts the current hour, and all hours that are marked for a new count. Counts the current hour first. Then each hour has its turn, the
   * newest first, until all hours are counted or `mayContinue` returns `false`. Stores the progress after each turn. The next call, also
   * after a crash, continues there.
   */
  countHours(compliance: readonly ComplianceNow[], mayContinue: () => boolean): Promise<void>;
}

/** Creates the counting of hours in a storage account. Errors of the storage service are thrown unchanged. */
export function createHourCounting(account: StorageAccount, now: () => Date, rowsPerTurn: number): HourCounting {
  const rollups = once(() => openTable(account, rollupTable));
  const timeline = once(() => openTable(account, timelineTable));
  /** The last quarter whose counts are stored for certain. An hour without rows is not counted again, and so does not store its quarter. */
  let storedQuarter = '';

  /** The counts to make, in order: those that have begun, and those that must begin. */
  async function countsToMake(client: TableClient, compliance: readonly ComplianceNow[]): Promise<readonly Count[]> {
    const startedAt = now().toISOString();
    const current = hourOf(startedAt);
    const marks = new Map<string, string>();
    for await (const { rowKey, etag } of listPartition(client, uncountedPartition)) {
      marks.set(String(rowKey), String(etag));
    }
    const unfinished = new Map<string, Count>();
    for await (const entity of listPartition(client, unfinishedPartition)) {
      unfinished.set(String(entity.rowKey), fromStored(entity));
    }
    // A count of the current hour that is not finished has samples that are not stored with the hour.
    const before = unfinished.get(current)?.compliance ?? readCompliance(await readStored(client, current));
    const sampled = withSamples(before, compliance, startedAt);
    const hours = new Set([...marks.keys(), ...unfinished.keys(), current]);
    return [...hours]
      .toSorted((a, b) => Number(b === current) - Number(a === current) || (a < b ? 1 : -1))
      .map((hour) => {
        const count = unfinished.get(hour) ?? {
          ...{ hour, startedAt, markEtag: marks.get(hour) ?? '', after: undefined, counter: new HourCounter() },
          ...{ compliance: undefined, isStored: false },
        };
        return hour === current ? { ...count, compliance: sampled } : count;
      });
  }

  /** Counts the next rows of an hour. Returns the count when rows may be left. */
  async function takeTurn(count: Count): Promise<Count | undefined> {
    const { hour, counter } = count;
    let counted = 0;
    for await (const entity of rowsAfter(await timeline(), hour, count.after)) {
      counter.add(fromEntity(entity));
      if (++counted < rowsPerTurn) continue;
      const after = { partition: String(entity.partitionKey), row: String(entity.rowKey) };
      return { ...count, after, isStored: true };
    }
    return undefined;
  }

  async function finish(client: TableClient, count: Count): Promise<void> {
    const { hour, counter, markEtag, startedAt } = count;
    await storeCounts(client, hour, counter.counts(), count.compliance, now());
    const current = hourOf(now().toISOString());
    if (quarterOf(hour) < quarterOf(current)) await storeQuarters(client, hour.slice(0, 10), current);
    const firstActiveHour = hourOf(new Date(Date.parse(startedAt) - slowWriteTime).toISOString());
    if (markEtag !== '' && hour < firstActiveHour) await removeMark(client, hour, markEtag);
    if (count.isStored) await client.deleteEntity(unfinishedPartition, hour).catch(ignoreNotFound);
  }

  return {
    async countHours(compliance, mayContinue) {
      const client = await rollups();
      const firstComplete = await firstCompleteHour(client);
      const waiting = [...(await countsToMake(client, compliance))];
      for (let count = waiting.shift(); count !== undefined; count = waiting.shift()) {
        // Retention removed rows of hours before `firstComplete`. A new count of such an hour would miss the removed rows.
        if (count.hour < firstComplete) {
          await removeMark(client, count.hour, count.markEtag === '' ? '*' : count.markEtag);
          if (count.isStored) await client.deleteEntity(unfinishedPartition, count.hour).catch(ignoreNotFound);
          continue;
        }
        const next = await takeTurn(count);
        if (next === undefined) await finish(client, count);
        else {
          await client.upsertEntity(toStored(next), 'Replace');
          waiting.push(next);
        }
        if (!mayContinue()) return;
      }
      const current = hourOf(now().toISOString());
      const last = quarterOf(hourAfter(quarterOf(current), -1));
      if (storedQuarter !== last) await storeQuarterOnce(client, last, current);
      storedQuarter = last;
    },
  };
}

/** The rows of an hour after a position, in the order of their keys. Two ranges of keys, because one cannot begin within a partition. */
async function* rowsAfter(client: TableClient, hour: string, after: Count['after']) {
  const odata = await loadFilterTag();
  const partitions = timelinePartitions(hour);
  const [first] = partitions;
  const toLast = odata`PartitionKey le ${partitions.at(-1)}`;
  const filters =
    after === undefined
      ? [`${odata`PartitionKey ge ${first}`} and ${toLast}`]
      : [
          odata`PartitionKey eq ${after.partition} and RowKey gt ${after.row}`,
          `${odata`PartitionKey gt ${after.partition}`} and ${toLast}`,
        ];
  for (const filter of filters) {
    yield* client.listEntities<Record<string, unknown>>({ queryOptions: { filter, select: countedColumns } });
  }
}

function toStored({ hour, startedAt, markEtag, after, counter, compliance }: Count) {
  return {
    ...{ partitionKey: unfinishedPartition, rowKey: hour, v: 1, startedAt, markEtag },
    ...{ afterPartition: after?.partition ?? '', afterRow: after?.row ?? '' },
    ...splitText('tally', JSON.stringify(counter.counts())),
    ...(compliance === undefined ? {} : splitText('compliance', JSON.stringify(compliance))),
  };
}

function fromStored(entity: Readonly<Record<string, unknown>>): Count {
  return {
    hour: String(entity.rowKey),
    startedAt: String(entity.startedAt),
    markEtag: String(entity.markEtag),
    after:
      entity.afterPartition === ''
        ? undefined
        : { partition: String(entity.afterPartition), row: String(entity.afterRow) },
    counter: new HourCounter(JSON.parse(joinText('tally', entity) ?? '{}') as HourCounts),
    compliance: entity.compliance === undefined ? undefined : readCompliance(entity),
    isStored: true,
  };
}

/** Adds how many devices are compliant now to the compliance of an hour. Policies that are not counted now keep what they have. */
function withSamples(
  before: readonly StoredCompliance[],
  samples: readonly ComplianceNow[],
  at: string,
): readonly StoredCompliance[] {
  const stored = new Map(before.map((each) => [each.policy, each]));
  for (const { policy, ...sample } of samples) {
    stored.set(policy, { policy, ...withSample(stored.get(policy), sample, at) });
  }
  return [...stored.values()];
}

/** The stored entity of an hour. Empty when the hour was not counted. */
async function readStored(client: TableClient, hour: string): Promise<Readonly<Record<string, unknown>>> {
  const stored = await client.getEntity<Record<string, unknown>>(hour.slice(0, 10), hour).catch(ignoreNotFound);
  return stored ?? {};
}

/** Stores the counts of an hour. Without `compliance`, keeps the compliance that is stored for the hour. */
async function storeCounts(
  client: TableClient,
  hour: string,
  counts: HourCounts,
  compliance: readonly StoredCompliance[] | undefined,
  at: Date,
) {
  const kept = compliance === undefined ? joinText('compliance', await readStored(client, hour)) : undefined;
  const entity = {
    partitionKey: hour.slice(0, 10),
    rowKey: hour,
    v: 1,
    total: counts.total,
    // The time of the last change of the hour's rows, or later: an hour is counted again after its rows have changed.
    countedAt: at.toISOString(),
    ...splitText('tally', JSON.stringify(counts)),
    ...splitText('compliance', compliance === undefined ? kept : JSON.stringify(compliance)),
  };
  // The entity is replaced, not merged. A merge would keep old parts of a text that is now shorter.
  await client.upsertEntity(entity, 'Replace');
}

/** Removes the mark of an hour. The ETag keeps the mark when the hour was marked again during the count. */
async function removeMark(client: TableClient, hour: string, etag: string): Promise<void> {
  await client.deleteEntity(uncountedPartition, hour, { etag }).catch((error: unknown) => {
    const { statusCode } = error as { readonly statusCode?: unknown };
    if (statusCode !== 412 && statusCode !== 404) throw error;
  });
}

/** The first hour whose timeline rows are complete. `''` when retention has never removed rows. */
async function firstCompleteHour(client: TableClient): Promise<string> {
  const entity = await client.getEntity<{ readonly since?: string }>(retentionKey, retentionKey).catch(ignoreNotFound);
  return entity?.since ?? '';
}
