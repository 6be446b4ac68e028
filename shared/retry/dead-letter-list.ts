import { once } from '../once.ts';
import { loadFilterTag, openTable, type StorageAccount } from '../storage/index.ts';
import { type DeadLetter, deadLetterPartition, deadLetterTable } from './dead-letters.ts';
import { replayedPartition, replayIn } from './replayed-letters.ts';
import { type CountedEvents, readCountedEvents } from './unusable-events.ts';

/** A dead letter without its events. */
export type DeadLetterSummary = Pick<DeadLetter, 'id' | 'at' | 'reason' | 'deviceId' | 'replayed'>;

/** Which letters to list: those that are dead now, or those that were replayed. */
export type ListedState = 'dead' | 'replayed';

/** The list of dead letters. The list is read without the events of the dead letters. */
export interface DeadLetterList {
  /**
   * Reads one page of up to `limit` letters, newest first. `after` is the id of the last letter on the previous page. A page with
   * fewer letters than `limit` is the last page. Parked letters are left out, because each belongs to a queued retry.
   */
  page(limit: number, after?: string, state?: ListedState): Promise<readonly DeadLetterSummary[]>;
  /** Counts the dead letters, and stops at `most`. Reads their keys only. */
  count(most: number): Promise<number>;
  /** Reads the newest counts of unusable events that were counted and not stored, at most `limit`. One count for each hour and fault. */
  counts(limit: number): Promise<readonly CountedEvents[]>;
}

/** Maximum number of entities in one response of Table Storage. */
const entitiesPerRequest = 1000;

/** Creates the list of dead letters of a storage account. */
export function createDeadLetterList(account: StorageAccount): DeadLetterList {
  const table = once(() => openTable(account, deadLetterTable));

  return {
    async page(limit, after = '', state = 'dead') {
      const odata = await loadFilterTag();
      // `~~` sorts after all entities of the letter `after`. Only the first entity of a letter has the property `state`.
      const start = after === '' ? '' : `${after}~~`;
      const partition = state === 'replayed' ? replayedPartition : deadLetterPartition;
      const filter = odata`PartitionKey eq ${partition} and RowKey gt ${start} and state eq ${state}`;
      const select = ['rowKey', 'at', 'reason', 'deviceId', 'replayedAt', 'replayedBy'];
      const pages = (await table())
        .listEntities<Record<string, unknown>>({ queryOptions: { filter, select } })
        .byPage({ maxPageSize: Math.min(limit, entitiesPerRequest) });
      const summaries: DeadLetterSummary[] = [];
      for await (const page of pages) {
        summaries.push(...page.map(toSummary).slice(0, limit - summaries.length));
        if (summaries.length === limit) break;
      }
      return summaries;
    },

    async count(most) {
      const odata = await loadFilterTag();
      const filter = odata`PartitionKey eq ${deadLetterPartition} and state eq ${'dead'}`;
      let count = 0;
      for await (const _ of (await table()).listEntities({ queryOptions: { filter, select: ['rowKey'] } })) {
        if (++count >= most) break;
      }
      return count;
    },

    counts: async (limit) => readCountedEvents(await table(), limit),
  };
}

function toSummary(entity: Readonly<Record<string, unknown>>): DeadLetterSummary {
  const { rowKey, at, reason, deviceId } = entity;
  const replayed = replayIn(entity);
  const summary = { id: String(rowKey), at: String(at), reason: String(reason), deviceId: String(deviceId) };
  return replayed === undefined ? summary : { ...summary, replayed };
}
