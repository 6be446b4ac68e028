import { randomUUID } from 'node:crypto';
import type { TransactionAction } from '@azure/data-tables';
import pMap from 'p-map';
import { type Clock, systemClock } from '../clock.ts';
import type { EventFault, RawEvent } from '../events/index.ts';
import { once } from '../once.ts';
import { loadFilterTag, newestFirst, openTable, packJson, type StorageAccount, unpackJson } from '../storage/index.ts';
import { createReplayedLetters, type Replay, replayedPartition, replayIn } from './replayed-letters.ts';
import { UnusableEvents } from './unusable-events.ts';

/**
 * A dead letter: events that Twinkeeper no longer retries automatically, and the reason. A dead letter holds everything that a replay
 * needs.
 */
export interface DeadLetter {
  readonly id: string;
  /** The time at which the letter was stored, ISO 8601. */
  readonly at: string;
  readonly reason: string;
  /** Id of the device of the events. `''` when the event names no device. */
  readonly deviceId: string;
  /**
   * State of the letter. `dead`: Twinkeeper does not retry the events any more. `parked`: a retry is queued, and the letter holds the
   * events because the events are too large for a queue message. `replayed`: somebody put the events back into the queue. The letter stays
   * as evidence until the retention removes it.
   */
  readonly state: 'dead' | 'parked' | 'replayed';
  /** Present when the state is `replayed`. */
  readonly replayed?: Replay;
  /** The event as Twinkeeper received it, or a list of such events. */
  readonly event: unknown;
}

/*
 * The table `TwinkeeperDeadLetters`. A letter needs more than one entity when its events are large:
 *
 *   PartitionKey  `letters`
 *   RowKey        `<inverted time>-<uuid>`       the first entity of a letter, newest first. The RowKey is the id of the letter
 *                 `<inverted time>-<uuid>~<n>`   a further entity of the same letter
 *
 * The partition `replayed` has the letters that were replayed, with the same row keys. They have their own partition, so that the list and
 * the number of dead letters cost no more when many letters were replayed.
 *
 * The partition `counts` has the numbers of unusable events. See `unusable-events.ts`.
 */
export const deadLetterTable = 'TwinkeeperDeadLetters';
export const deadLetterPartition = 'letters';

/** An event that cannot be used, and the reason. */
export interface UnusableEvent {
  readonly event: RawEvent;
  readonly fault: EventFault;
  readonly reason: string;
  /** Id of the device that the event names. `''` when the event names no device. */
  readonly deviceId: string;
}

/** The dead letters in storage. */
export interface DeadLetters {
  /** Stores a dead letter and returns its id. The ids of newer letters sort first. */
  put(letter: { state: 'dead' | 'parked' } & Pick<DeadLetter, 'reason' | 'deviceId' | 'event'>): Promise<string>;
  /**
   * Stores unusable events as dead letters: of each fault, the first 100 in an hour, in all instances of the app together. Counts the other
   * events. Returns how many events were stored.
   */
  putUnusable(events: readonly UnusableEvent[]): Promise<number>;
  /**
   * Reads one letter that is dead or parked. Reads a range of keys, because a letter can have several entities. `undefined` when no such
   * letter has this id.
   */
  get(id: string): Promise<DeadLetter | undefined>;
  /** Tells when a letter was replayed, and by whom. `undefined` when no replayed letter has this id. */
  replayOf(id: string): Promise<Replay | undefined>;
  /**
   * Reads all letters that are dead or parked, with their events, newest first. With `replayed`, reads the replayed letters instead. Reads
   * the whole partition, one page of entities at a time.
   */
  list(state?: 'replayed'): AsyncIterable<DeadLetter>;
  remove(id: string): Promise<void>;
  /** Turns a dead letter into a replayed letter. A call that was interrupted can be repeated. */
  markReplayed(id: string, by: string): Promise<void>;
  /**
   * Removes the counts of unusable events from before a time, and the letters that were replayed before it. `mayContinue` is called before
   * each batch, and `false` ends the run.
   */
  removeBefore(time: Date, mayContinue: () => boolean): Promise<{ readonly isUnfinished: boolean }>;
}

/**
 * Maximum bytes in one binary property of an entity. Table Storage allows 64 KiB in a property and 1 MiB in an entity ("Table Storage data
 * model"). This constant and the next one stay below these limits.
 */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 14;

/**
 * Creates the dead letters of a storage account. Events are compressed. Large events are stored in several entities of the same letter. No
 * event is truncated.
 */
export function createDeadLetters(account: StorageAccount, now: () => Date): DeadLetters {
  const table = once(() => openTable(account, deadLetterTable));
  const clock: Clock = { ...systemClock, now };
  const unusableEvents = new UnusableEvents({ table, clock, random: Math.random });
  const replayedLetters = createReplayedLetters(table);

  /** Reads the entities of one letter, or of all letters when no id is given. The first entity of each letter comes first. */
  async function* entities(partition: string, id?: string): AsyncGenerator<Record<string, unknown>> {
    const odata = await loadFilterTag();
    const filter =
      id === undefined
        ? odata`PartitionKey eq ${partition}`
        : odata`PartitionKey eq ${partition} and RowKey ge ${id} and RowKey le ${`${id}~~`}`;
    yield* (await table()).listEntities<Record<string, unknown>>({ queryOptions: { filter } });
  }

  async function* readLetters(partition: string, id?: string): AsyncGenerator<DeadLetter> {
    let head: Record<string, unknown> | undefined;
    let chunks: Buffer[] = [];
    for await (const entity of entities(partition, id)) {
      const rowKey = String(entity.rowKey);
      if (!rowKey.includes('~')) {
        if (head !== undefined) yield await toDeadLetter(head, chunks);
        head = entity;
        chunks = [];
      } else if (head === undefined || !rowKey.startsWith(`${String(head.rowKey)}~`)) {
        // This entity is not the first entity of its letter. The first entity was never stored, or is already removed.
        continue;
      }
      for (let index = 0; entity[`body${index}`] instanceof Uint8Array; index++) {
        chunks.push(Buffer.from(entity[`body${index}`] as Uint8Array));
      }
    }
    if (head !== undefined) yield await toDeadLetter(head, chunks);
  }

  const deadLetters: DeadLetters = {
    async put({ reason, deviceId, state, event }) {
      const at = now();
      const id = `${newestFirst(at.getTime())}-${randomUUID()}`;
      const packed = await packJson(event);
      const bytesPerEntity = bytesPerProperty * propertiesPerEntity;
      const actions: TransactionAction[] = [];
      for (let from = 0, number = 0; from < packed.length; from += bytesPerEntity, number++) {
        const slice = packed.subarray(from, from + bytesPerEntity);
        const body: Record<string, Uint8Array> = {};
        for (let start = 0, index = 0; start < slice.length; start += bytesPerProperty, index++) {
          body[`body${index}`] = Uint8Array.from(slice.subarray(start, start + bytesPerProperty));
        }
        const head = number === 0 ? { at: at.toISOString(), reason: reason.slice(0, 8000), deviceId, state, v: 1 } : {};
        const rowKey = number === 0 ? id : `${id}~${String(number).padStart(3, '0')}`;
        actions.push(['create', { partitionKey: deadLetterPartition, rowKey, ...head, ...body }]);
      }
      // A transaction holds at most 4 MiB, and five entities of 840 KB exceed that. Each entity therefore has its own transaction. The
      // first entity of the letter is stored last, so a crash leaves no letter without its further entities.
      const client = await table();
      for (const action of actions.reverse()) await client.submitTransaction([action]);
      return id;
    },

    async putUnusable(events) {
      let stored = 0;
      for (const [fault, ofFault] of Map.groupBy(events, (event) => event.fault)) {
        const kept = await unusableEvents.claim(fault, ofFault.length, ofFault.at(-1)?.reason ?? '');
        await pMap(
          ofFault.slice(0, kept),
          ({ event, reason, deviceId }) => deadLetters.put({ deviceId, reason, state: 'dead', event }),
          { concurrency: 8 },
        );
        stored += kept;
      }
      return stored;
    },

    async get(id) {
      for await (const deadLetter of readLetters(deadLetterPartition, id)) return deadLetter;
      return undefined;
    },

    replayOf: (id) => replayedLetters.find(id),

    list: (state) => readLetters(state === 'replayed' ? replayedPartition : deadLetterPartition),

    async remove(id) {
      const client = await table();
      for await (const { rowKey } of entities(deadLetterPartition, id)) {
        await client.deleteEntity(deadLetterPartition, String(rowKey));
      }
    },

    async markReplayed(id, by) {
      await replayedLetters.put(await Array.fromAsync(entities(deadLetterPartition, id)), {
        at: now().toISOString(),
        by,
      });
      await deadLetters.remove(id);
    },

    async removeBefore(time, mayContinue) {
      const results = [
        await unusableEvents.removeBefore(time, mayContinue),
        await replayedLetters.removeBefore(time, mayContinue),
      ];
      return { isUnfinished: results.some(({ isUnfinished }) => isUnfinished) };
    },
  };
  return deadLetters;
}

async function toDeadLetter(head: Record<string, unknown>, chunks: readonly Buffer[]): Promise<DeadLetter> {
  const replayed = replayIn(head);
  return {
    id: String(head.rowKey),
    at: String(head.at),
    reason: String(head.reason),
    deviceId: String(head.deviceId),
    state: head.state === 'parked' || head.state === 'replayed' ? head.state : 'dead',
    ...(replayed === undefined ? {} : { replayed }),
    event: await unpackJson(Buffer.concat(chunks)),
  };
}
