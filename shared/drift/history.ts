import { createHash } from 'node:crypto';
import type { TableClient } from '@azure/data-tables';
import { once } from '../once.ts';
import type { DriftKind, DriftRow, Outcome, Source } from './departure.ts';
import { openListTable, rollupTable, timelineTable, uncounted } from './history-index.ts';
import { openPrefix, partitionKey, rowPrefix, rowsFrom } from './keys.ts';
import { fromEntity } from './row-entity.ts';
import { openTable, type StorageAccount } from './storage.ts';
import { hourOf, openShards, timelineFrom } from './timeline-keys.ts';

/** Which rows of the history. All that is given must fit; times are ISO 8601 and about when a departure was detected. */
export interface DriftQuery {
  readonly deviceId?: string;
  readonly moduleId?: string;
  readonly policy?: string;
  readonly path?: string;
  readonly kind?: DriftKind;
  readonly outcome?: Outcome;
  readonly source?: Source;
  /** From this time on. */
  readonly from?: string;
  /** Up to, and without, this time. */
  readonly to?: string;
}

/** Which departures that are out of line now. */
export interface OpenQuery {
  readonly policy?: string;
  readonly deviceId?: string;
}

/** Some rows, and where the next begin; without a cursor there are no more. */
export interface HistoryPage {
  readonly rows: readonly DriftRow[];
  readonly cursor?: string;
}

/** Thrown for a cursor that no page of this query has given. */
export class BadCursorError extends Error {
  override readonly name = 'BadCursorError';
}

/** The history, for those who ask. Nothing is ever read beyond the key ranges that are named at each method. */
export interface History {
  /**
   * Rows, newest first. With a device: a range of its partition. Without: of the timeline's hours between `from` and `to`, of which those
   * are skipped that the roll-ups know to be empty; without `from`, the 24 hours before `to`, which is now unless given.
   *
   * @throws {BadCursorError}
   */
  page(query: DriftQuery, limit: number, cursor?: string): Promise<HistoryPage>;
  /** The same, one after the other, with one page in memory. */
  rows(query: DriftQuery): AsyncIterable<DriftRow>;
  /** What is out of line now. With a device: a range of its partition. Without: the shards of the open list, with a policy its range of each. */
  open(query: OpenQuery, limit: number, cursor?: string): Promise<HistoryPage>;
}

/** The largest page that Table Storage gives. */
const rowsPerRequest = 1000;

/** How far back a question without a beginning goes, in milliseconds. */
export const defaultRange = 24 * 3600_000;

/** How far the hub's clock may be ahead of ours, in milliseconds. */
const clockSkew = 5 * 60_000;

/** A range of keys in one partition of a table, with what else the rows must fit. */
interface Range {
  readonly table: 'drift' | 'timeline' | 'open';
  readonly partition: string;
  readonly from: string;
  readonly to: string;
}

/** Where to go on: in this partition, after this key. */
interface Place {
  readonly partition: string;
  readonly after: string;
  /** Where the range of time began that the first page was about, if that is not said in the query. */
  readonly since?: string;
}

/** The history in the tables of a storage account. Errors of the storage service are thrown as they come. */
export function createHistory(account: StorageAccount, now: () => Date): History {
  const tables = {
    drift: once(() => openTable(account, 'TwinkeeperDrift')),
    timeline: once(() => openTable(account, timelineTable)),
    open: once(() => openTable(account, openListTable)),
    rollups: once(() => openTable(account, rollupTable)),
  };

  /** What is detected while somebody asks is in the answer. */
  const soon = () => new Date(now().getTime() + 1000).toISOString();

  /** One after the other the ranges that hold the rows of a query. */
  async function* rangesOf(query: DriftQuery, place: Place | undefined): AsyncGenerator<Range> {
    if (query.deviceId !== undefined) {
      // Rows are sorted by the write that they are about, which comes before its detection, by clocks that may differ.
      const from =
        query.to === undefined ? rowPrefix : rowsFrom(new Date(Date.parse(query.to) + clockSkew).toISOString());
      yield { table: 'drift', partition: partitionKey(query.deviceId), from, to: `${rowPrefix}~` };
      return;
    }
    const to = query.to ?? soon();
    const from = query.from ?? sinceBefore(to);
    for await (const hour of hoursBetween(
      from,
      place === undefined ? to : `${place.partition}:59:59.999Z`,
      tables.rollups,
    )) {
      // The first row that is detected at or before the last millisecond of the range, and the last of its first.
      yield {
        table: 'timeline',
        partition: hour,
        from: timelineFrom(new Date(Date.parse(to) - 1).toISOString()),
        to: `${timelineFrom(from)}~`,
      };
    }
  }

  async function* openRanges(query: OpenQuery): AsyncGenerator<Range> {
    if (query.deviceId !== undefined) {
      yield { table: 'drift', partition: partitionKey(query.deviceId), from: openPrefix, to: `${openPrefix}~` };
      return;
    }
    const prefix = query.policy === undefined ? '' : `${query.policy}!`;
    for (const partition of openShards) yield { table: 'open', partition, from: prefix, to: `${prefix}~` };
  }

  /** Takes up to `limit` rows from the ranges, from the place on. */
  async function take(
    ranges: AsyncIterable<Range>,
    conditions: readonly string[],
    limit: number,
    place: Place | undefined,
  ): Promise<{ readonly rows: readonly DriftRow[]; readonly last?: Place }> {
    const { odata } = await import('@azure/data-tables');
    const rows: DriftRow[] = [];
    let waiting = place;
    for await (const { table, partition, from, to } of ranges) {
      // The hour that the last page ended in may be gone since: those after it are older.
      if (waiting !== undefined && table === 'timeline' && partition < waiting.partition) waiting = undefined;
      if (waiting !== undefined && partition !== waiting.partition) continue;
      const start = waiting === undefined ? odata`RowKey ge ${from}` : odata`RowKey gt ${waiting.after}`;
      waiting = undefined;
      const filter = [odata`PartitionKey eq ${partition}`, start, odata`RowKey le ${to}`, ...conditions].join(' and ');
      const client: TableClient = await tables[table]();
      let continuationToken: string | undefined;
      do {
        const pages = client.listEntities<Record<string, unknown>>({ queryOptions: { filter } }).byPage({
          maxPageSize: Math.min(rowsPerRequest, limit - rows.length),
          ...(continuationToken === undefined ? {} : { continuationToken }),
        });
        const { value, done } = await pages.next();
        if (done || value === undefined) break;
        for (const entity of value) {
          rows.push(fromEntity(entity));
          if (rows.length === limit) return { rows, last: { partition, after: String(entity.rowKey) } };
        }
        continuationToken = value.continuationToken;
      } while (continuationToken !== undefined);
    }
    return { rows };
  }

  async function page(query: DriftQuery, limit: number, cursor?: string): Promise<HistoryPage> {
    const place = readCursor(query, cursor);
    const { deviceId, from, to } = query;
    // Of pages of the last hours, all must end at the same time.
    const since =
      deviceId === undefined && from === undefined ? (place?.since ?? sinceBefore(to ?? soon())) : undefined;
    const whole = since === undefined ? query : { ...query, from: since };
    const { rows, last } = await take(rangesOf(whole, place), await conditionsOf(whole), limit, place);
    const next = last === undefined || since === undefined ? last : { ...last, since };
    return { rows, ...(next === undefined ? {} : { cursor: writeCursor(query, next) }) };
  }

  return {
    page,

    async *rows(query) {
      let cursor: string | undefined;
      do {
        const next = await page(query, rowsPerRequest, cursor);
        yield* next.rows;
        cursor = next.cursor;
      } while (cursor !== undefined);
    },

    async open(query, limit, cursor) {
      const { odata } = await import('@azure/data-tables');
      const place = readCursor(query, cursor);
      const isOfPolicy = query.deviceId !== undefined && query.policy !== undefined;
      const conditions = isOfPolicy ? [odata`policy eq ${query.policy}`] : [];
      const { rows, last } = await take(openRanges(query), conditions, limit, place);
      return { rows, ...(last === undefined ? {} : { cursor: writeCursor(query, last) }) };
    },
  };
}

function sinceBefore(to: string): string {
  return new Date(Date.parse(to) - defaultRange).toISOString();
}

/** What a table is asked beside the range of keys. Each value is quoted by the SDK: none can be taken for a part of the question. */
async function conditionsOf({
  from,
  moduleId,
  policy,
  path,
  kind,
  outcome,
  source,
  deviceId,
  to,
}: DriftQuery): Promise<readonly string[]> {
  const { odata } = await import('@azure/data-tables');
  return [
    moduleId === undefined ? undefined : odata`moduleId eq ${moduleId}`,
    policy === undefined ? undefined : odata`policy eq ${policy}`,
    path === undefined ? undefined : odata`path eq ${path}`,
    kind === undefined ? undefined : odata`kind eq ${kind}`,
    outcome === undefined ? undefined : odata`outcome eq ${outcome}`,
    source === undefined ? undefined : odata`source eq ${source}`,
    // In the timeline, the range of keys says it.
    deviceId === undefined || from === undefined ? undefined : odata`detectedAt ge ${new Date(from).toISOString()}`,
    deviceId === undefined || to === undefined ? undefined : odata`detectedAt lt ${new Date(to).toISOString()}`,
  ].filter((condition) => condition !== undefined);
}

/** The hours in which something was detected, newest first: those that were counted and those that wait for it. One range a day. */
async function* hoursBetween(from: string, to: string, rollups: () => Promise<TableClient>): AsyncGenerator<string> {
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
  const waiting = await hoursIn(uncounted);
  for (
    let day = Date.parse(`${last.slice(0, 10)}T00:00:00Z`);
    day >= Date.parse(first.slice(0, 10));
    day -= 86_400_000
  ) {
    const name = new Date(day).toISOString().slice(0, 10);
    const hours = new Set([
      ...(await hoursIn(name, ' and total gt 0')),
      ...waiting.filter((hour) => hour.startsWith(name)),
    ]);
    yield* [...hours].toSorted().reverse();
  }
}

/** A place as text that only fits this query, and shows when it was changed. */
function writeCursor(query: DriftQuery | OpenQuery, { partition, after, since = '' }: Place): string {
  const parts = [partition, after, since];
  return Buffer.from(JSON.stringify([...parts, seal(query, JSON.stringify(parts))])).toString('base64url');
}

function readCursor(query: DriftQuery | OpenQuery, cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parts) && parts.length === 4 && parts.every((part) => typeof part === 'string')) {
      const [partition, after, since, sealed] = parts as [string, string, string, string];
      if (sealed === seal(query, JSON.stringify([partition, after, since]))) {
        return { partition, after, ...(since === '' ? {} : { since }) };
      }
    }
  } catch {
    // Not ours, like any other that does not fit.
  }
  throw new BadCursorError('The cursor is not from a page of this query: begin again without it.');
}

function seal(query: DriftQuery | OpenQuery, text: string): string {
  const asked = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(asked)).update(text).digest('base64url').slice(0, 16);
}
