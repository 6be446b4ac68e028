import type { TableClient } from '@azure/data-tables';
import { once } from '../once.ts';
import { encodeDeviceId, openTable, type StorageAccount, statusOf } from '../storage/index.ts';
import type { DriftKind, DriftRow, Outcome, Source } from './departure.ts';
import { BadCursorError, type Place, readCursor, writeCursor } from './history-cursor.ts';
import { openListTable, rollupTable, timelineTable, uncounted } from './history-index.ts';
import { openPrefix, rowPrefix, rowsFrom } from './keys.ts';
import { fromEntity } from './row-entity.ts';
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

/**
 * Some rows, and where the next begin; without a cursor there are no more. With one there may be fewer rows than were asked for, or none,
 * where few rows fit and looking for them takes its time.
 */
export interface HistoryPage {
  readonly rows: readonly DriftRow[];
  readonly cursor?: string;
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

/** How long a page is looked for, in milliseconds, before what was found until then is given: well before anybody gives up waiting. */
const longestLook = 15_000;

/**
 * The history in the tables of a storage account. Errors of the storage service are thrown as they come. `patience` is how long one page
 * is looked for, in milliseconds.
 */
export function createHistory(
  account: StorageAccount,
  now: () => Date,
  { patience = longestLook }: { readonly patience?: number } = {},
): History {
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
      yield { table: 'drift', partition: encodeDeviceId(query.deviceId), from, to: `${rowPrefix}~` };
      return;
    }
    const to = query.to ?? soon();
    const from = query.from ?? sinceBefore(to);
    const endOfHour = place === undefined ? undefined : `${place.partition}:59:59.999Z`;
    const end = endOfHour !== undefined && Date.parse(endOfHour) < Date.parse(to) ? endOfHour : to;
    for await (const hour of hoursBetween(from, end, tables.rollups)) {
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
      yield { table: 'drift', partition: encodeDeviceId(query.deviceId), from: openPrefix, to: `${openPrefix}~` };
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
    const end = performance.now() + patience;
    const isLate = () => performance.now() >= end;
    let waiting = place;
    for await (const { table, partition, from, to } of ranges) {
      // The hour that the last page ended in may be gone since: those after it are older.
      if (waiting !== undefined && table === 'timeline' && partition < waiting.partition) waiting = undefined;
      if (waiting !== undefined && partition !== waiting.partition) continue;
      const { after = '', token } = waiting ?? {};
      waiting = undefined;
      if (after >= to) continue;
      const start = after === '' ? odata`RowKey ge ${from}` : odata`RowKey gt ${after}`;
      const filter = [odata`PartitionKey eq ${partition}`, start, odata`RowKey le ${to}`, ...conditions].join(' and ');
      const client: TableClient = await tables[table]();
      let continuationToken = token;
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
        if (continuationToken !== undefined && isLate()) {
          return { rows, last: { partition, after, token: continuationToken } };
        }
      } while (continuationToken !== undefined);
      if (isLate()) return { rows, last: { partition, after: to } };
    }
    return { rows };
  }

  async function page(query: DriftQuery, limit: number, cursor?: string): Promise<HistoryPage> {
    const { deviceId, from, to } = query;
    const place = cursor === undefined ? undefined : readCursor(query, cursor, partitionsOf(deviceId, isHour));
    // Of pages of the last hours, all must end at the same time.
    const since =
      deviceId === undefined && from === undefined ? (place?.since ?? sinceBefore(to ?? soon())) : undefined;
    const whole = since === undefined ? query : { ...query, from: since };
    const conditions = await conditionsOf(whole);
    const { rows, last } = await orBadToken(place, () => take(rangesOf(whole, place), conditions, limit, place));
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
      const place = cursor === undefined ? undefined : readCursor(query, cursor, partitionsOf(query.deviceId, isShard));
      const isOfPolicy = query.deviceId !== undefined && query.policy !== undefined;
      const conditions = isOfPolicy ? [odata`policy eq ${query.policy}`] : [];
      const { rows, last } = await orBadToken(place, () => take(openRanges(query), conditions, limit, place));
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

const isHour = (name: string) => /^\d{4}-\d\d-\d\dT\d\d$/.test(name) && Date.parse(`${name}:00:00Z`) >= 0;
const isShard = (name: string) => openShards.some((shard) => shard === name);

/** Whether the answer may be in a partition: in that of the device, or else in such as these. */
function partitionsOf(deviceId: string | undefined, others: (name: string) => boolean): (name: string) => boolean {
  return deviceId === undefined ? others : (name) => name === encodeDeviceId(deviceId);
}

/** Asks with a place that somebody gave us. @throws {BadCursorError} where the service, or its library, finds that its token is none. */
async function orBadToken<T>(place: Place | undefined, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
    const isOfToken = statusOf(error) === 400 || (name !== 'RestError' && code === undefined);
    if (place?.token !== undefined && isOfToken) throw new BadCursorError();
    throw error;
  }
}
