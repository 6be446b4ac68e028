import type { TableClient } from '@azure/data-tables';
import type { Clock } from '../clock.ts';
import type { EventFault } from '../events/index.ts';
import { GroupCommit, isEntityNotFound, loadFilterTag, newestFirst, statusOf } from '../storage/index.ts';

/** The unusable events of one fault that came in one hour, and that were only counted. */
export interface CountedEvents {
  readonly fault: EventFault;
  /** The start of the hour, ISO 8601. */
  readonly hour: string;
  /** Number of events that were counted and not stored. */
  readonly count: number;
  /** The time of the first event that was only counted, ISO 8601. */
  readonly firstAt: string;
  /** The time of the last event that was only counted, ISO 8601. */
  readonly lastAt: string;
  /** The reason of the last batch of such events. */
  readonly reason: string;
}

/** Maximum number of unusable events of one fault that are stored whole in an hour. */
export const keptAnHour = 100;

/**
 * Maximum number of failed updates in a row. An update fails when another instance of the app was faster, so many instances need many
 * attempts.
 */
const maxAttempts = 60;
/** Maximum pause between two attempts, in milliseconds. */
const maxPause = 500;
const hour = 3_600_000;

/**
 * The partition with the counts in the table of the dead letters. There is one entity for each hour and fault, newest first:
 * RowKey `<inverted start of the hour>-<fault>`.
 */
const countsPartition = 'counts';

export interface UnusableEventsDependencies {
  readonly table: () => Promise<TableClient>;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Counts the unusable events by hour and fault. All instances of the app share the counts. */
export class UnusableEvents {
  readonly #dependencies: UnusableEventsDependencies;

  constructor(dependencies: UnusableEventsDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Adds `events` unusable events of one fault to the count of the current hour. Returns how many of them may be stored whole. The other
   * events are only counted. Needs one read and one conditional update.
   */
  async claim(fault: EventFault, events: number, reason: string): Promise<number> {
    const { table, clock, random } = this.#dependencies;
    const client = await table();
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const at = clock.now();
      const start = Math.floor(at.getTime() / hour) * hour;
      const key = { partitionKey: countsPartition, rowKey: `${newestFirst(start)}-${fault}` };
      const stored = await client.getEntity<Record<string, unknown>>(key.partitionKey, key.rowKey).catch((error) => {
        if (isEntityNotFound(error)) return undefined;
        throw error;
      });
      const before = { kept: numberIn(stored?.kept), counted: numberIn(stored?.counted) };
      const kept = Math.min(events, Math.max(0, keptAnHour - before.kept));
      const counted = events - kept;
      const entity = {
        ...key,
        hour: new Date(start).toISOString(),
        fault,
        kept: before.kept + kept,
        counted: before.counted + counted,
        firstAt: before.counted > 0 ? String(stored?.firstAt) : counted > 0 ? at.toISOString() : '',
        lastAt: counted > 0 ? at.toISOString() : String(stored?.lastAt ?? ''),
        reason: reason.slice(0, 8000),
      };
      try {
        if (stored === undefined) await client.createEntity(entity);
        else await client.updateEntity(entity, 'Replace', { etag: String(stored.etag) });
        return kept;
      } catch (error) {
        // Another process created, changed or removed the count.
        const status = statusOf(error);
        if (status !== 409 && status !== 412 && !isEntityNotFound(error)) throw error;
      }
      await clock.sleep(random() * Math.min(maxPause, 10 * 2 ** attempt));
    }
    throw new Error(
      `Unusable events could not be counted: other instances changed the count ${maxAttempts} times in a row.`,
    );
  }

  /** Removes the counts of the hours before a time. `mayContinue` is called before each batch, and `false` ends the run. */
  async removeBefore(time: Date, mayContinue: () => boolean): Promise<{ readonly isUnfinished: boolean }> {
    const { table } = this.#dependencies;
    const [client, odata] = [await table(), await loadFilterTag()];
    const filter = odata`PartitionKey eq ${countsPartition} and RowKey gt ${newestFirst(time.getTime())}`;
    const removal = new GroupCommit(table);
    for await (const page of client
      .listEntities({ queryOptions: { filter, select: ['partitionKey', 'rowKey'] } })
      .byPage({ maxPageSize: 100 })) {
      if (page.length > 0 && !mayContinue()) return { isUnfinished: true };
      await removal.apply(
        page.map(({ partitionKey = '', rowKey = '' }) => ({ type: 'delete' as const, partitionKey, rowKey })),
      );
    }
    return { isUnfinished: false };
  }
}

/** Reads the newest counts of events that were only counted, at most `limit`. */
export async function readCountedEvents(client: TableClient, limit: number): Promise<readonly CountedEvents[]> {
  const odata = await loadFilterTag();
  const filter = odata`PartitionKey eq ${countsPartition} and counted gt ${0}`;
  const counts: CountedEvents[] = [];
  for await (const entity of client.listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
    if (counts.push(toCountedEvents(entity)) === limit) break;
  }
  return counts;
}

function toCountedEvents(entity: Readonly<Record<string, unknown>>): CountedEvents {
  return {
    fault: String(entity.fault) as EventFault,
    hour: String(entity.hour),
    count: numberIn(entity.counted),
    firstAt: String(entity.firstAt),
    lastAt: String(entity.lastAt),
    reason: String(entity.reason),
  };
}

function numberIn(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
