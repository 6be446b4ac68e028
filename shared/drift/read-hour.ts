import type { TableClient } from '@azure/data-tables';
import { loadFilterTag } from '../storage/index.ts';
import { BadCursorError, type PagePosition } from './history-cursor.ts';
import type { KeyRange } from './key-ranges.ts';
import { type Answer, type Entity, entitiesPerRequest, type PageProgress } from './page-progress.ts';
import { timelinePartitions } from './timeline-keys.ts';

/**
 * Reads the rows of an hour of the timeline onto a page, newest first. Returns the position at which the next page begins, or `undefined` when
 * all rows of the hour are read and the page has room.
 *
 * The rows of an hour are in several partitions. Mostly the hour has few rows: one request reads all its partitions. When the response is not
 * complete, each partition is read by itself, and the rows are merged by their keys.
 */
export async function readHour(
  client: TableClient,
  { partition: hour, from, to }: KeyRange,
  { after, token }: Pick<PagePosition, 'after' | 'token'>,
  conditions: readonly string[],
  page: PageProgress,
): Promise<PagePosition | undefined> {
  const odata = await loadFilterTag();
  const partitions = timelinePartitions(hour);
  const end = odata`RowKey lt ${to}`;
  const start = after === '' ? odata`RowKey ge ${from}` : odata`RowKey gt ${after}`;

  let shards: readonly Shard[];
  if (token === undefined) {
    const all = odata`PartitionKey ge ${partitions[0]} and PartitionKey le ${partitions.at(-1)}`;
    const answer = await page.request(client, [all, start, end, ...conditions].join(' and '), page.rowsPerRequest);
    if (answer.token === undefined) {
      const last = addRows(answer.entities.toSorted(byKey), page);
      if (last !== undefined) return { partition: hour, after: last };
      return page.mustEnd ? { partition: hour, after: to } : undefined;
    }
    shards = shardsOf(partitions, answer.entities);
  } else {
    shards = readStates(token, partitions);
  }

  let emitted = after;
  const position = () => ({ partition: hour, after: emitted, token: JSON.stringify(shards.map(({ state }) => state)) });
  for (let round = 0; ; round++) {
    const unknown = shards.filter((shard) => shard.isUnknown);
    // Each page reads on in each partition, so that the last page comes however slow the service is.
    if (unknown.length > 0 && round > 0 && page.mustEnd) return position();
    const active = shards.filter((shard) => shard.isUnknown || shard.head !== undefined).length;
    const size = Math.ceil(Math.min(page.rowsPerRequest, page.room) / active) + 1;
    await Promise.all(
      unknown.map(async (shard) => {
        const lower = shard.bound === undefined ? start : odata`RowKey ge ${shard.bound}`;
        const filter = [odata`PartitionKey eq ${shard.partition}`, lower, end, ...conditions].join(' and ');
        shard.take(await page.request(client, filter, Math.min(entitiesPerRequest, size), shard.token));
      }),
    );
    if (shards.some((shard) => shard.isUnknown)) continue;
    const newest = shards.filter(({ head }) => head !== undefined).toSorted((a, b) => byKey(a.head, b.head))[0];
    if (newest === undefined) return page.mustEnd ? { partition: hour, after: to } : undefined;
    const entity = newest.next();
    emitted = keyOf(entity);
    if (!page.add(entity)) return position();
  }
}

/** One partition of an hour while it is read. */
class Shard {
  readonly partition: string;
  /** The smallest RowKey of the rows that are not read. `undefined`: that of the page. */
  #bound: string | undefined;
  #token: string | undefined;
  #isRead: boolean;
  #rows: readonly Entity[] = [];
  #index = 0;

  /** @param state What {@link state} said when the page before ended. */
  constructor(partition: string, state = '') {
    this.partition = partition;
    this.#bound = state.startsWith('key ') ? state.slice(4) : undefined;
    this.#token = state.startsWith('token ') ? state.slice(6) : undefined;
    this.#isRead = state === 'end';
  }

  get bound(): string | undefined {
    return this.#bound;
  }

  get token(): string | undefined {
    return this.#token;
  }

  /** The newest row that is read and not yet on a page. */
  get head(): Entity | undefined {
    return this.#rows[this.#index];
  }

  /** Whether the next row must be read before the newest row of the hour is known. */
  get isUnknown(): boolean {
    return this.head === undefined && !this.#isRead;
  }

  /** Where the next page goes on with this partition. */
  get state(): string {
    if (this.head !== undefined) return `key ${keyOf(this.head)}`;
    if (this.#isRead) return 'end';
    if (this.#token !== undefined) return `token ${this.#token}`;
    return this.#bound === undefined ? '' : `key ${this.#bound}`;
  }

  /** Takes rows that were read. Without `token`, they are the last ones. */
  take({ entities, token }: Answer): void {
    this.#rows = entities;
    this.#index = 0;
    this.#token = token;
    this.#isRead = token === undefined;
  }

  /** Takes rows that were read without the end of the partition. */
  takeFirst(entities: readonly Entity[]): void {
    this.#rows = entities;
    // All keys have the same length, so that this text sorts right after the last key.
    this.#bound = `${keyOf(entities.at(-1))}!`;
  }

  next(): Entity {
    const { head } = this;
    if (head === undefined) throw new Error('The partition has no row to take.');
    this.#index++;
    return head;
  }
}

/** The partitions after a response that has the rows of the first ones, in the order of their keys, and ends within one of them. */
function shardsOf(partitions: readonly string[], entities: readonly Entity[]): readonly Shard[] {
  const read = Map.groupBy(entities, ({ partitionKey }) => String(partitionKey));
  const last = String(entities.at(-1)?.partitionKey ?? '');
  return partitions.map((partition) => {
    const shard = new Shard(partition);
    const rows = read.get(partition) ?? [];
    if (partition < last) shard.take({ entities: rows });
    else if (partition === last) shard.takeFirst(rows);
    return shard;
  });
}

/** @throws {BadCursorError} when the text does not hold the states of these partitions */
function readStates(text: string, partitions: readonly string[]): readonly Shard[] {
  const states: unknown = JSON.parse(text);
  const isValid =
    Array.isArray(states) &&
    states.length === partitions.length &&
    states.every((state) => typeof state === 'string' && /^(|end|key .+|token .+)$/s.test(state));
  if (!isValid) throw new BadCursorError();
  return partitions.map((partition, index) => new Shard(partition, states[index]));
}

/** Adds rows to a page. Returns the key of the row that has filled the page. `undefined` when the page has room. */
function addRows(entities: readonly Entity[], page: PageProgress): string | undefined {
  const last = entities.find((entity) => !page.add(entity));
  return last && keyOf(last);
}

function byKey(a: Entity | undefined, b: Entity | undefined): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

function keyOf(entity: Entity | undefined): string {
  return String(entity?.rowKey);
}
