import { randomUUID } from 'node:crypto';
import type { TransactionAction } from '@azure/data-tables';
import { once } from '../once.ts';
import { newestFirst, openTable, packJson, type StorageAccount, unpackJson } from '../storage/index.ts';

/** Events that are not retried automatically any more, with the reason. A dead letter holds all that a replay needs. */
export interface DeadLetter {
  readonly id: string;
  /** When the letter was stored, ISO 8601. */
  readonly at: string;
  readonly reason: string;
  /** `''` when the event names no device. */
  readonly deviceId: string;
  /** `dead`: given up. `parked`: holds the events of a queued retry, because they are too large for a queue message. */
  readonly state: 'dead' | 'parked';
  /** The original event as it was received, or a list of events. */
  readonly event: unknown;
}

/*
 * The table `TwinkeeperDeadLetters`:
 *
 *   PartitionKey  `letters`   RowKey `<inverted time>-<uuid>`       first entity of a letter, newest first. The RowKey is the letter's id
 *                                    `<inverted time>-<uuid>~<n>`   further entity of a letter whose event needs more than one
 */
export const deadLetterTable = 'TwinkeeperDeadLetters';
export const deadLetterPartition = 'letters';

/** The stored dead letters. */
export interface DeadLetters {
  /** Stores a letter and returns its id. Ids sort newest first. */
  put(letter: Omit<DeadLetter, 'id' | 'at'>): Promise<string>;
  /** Reads the entities of one letter, a range of keys. `undefined` when there is no letter with this id. */
  get(id: string): Promise<DeadLetter | undefined>;
  /** All letters with their events, newest first. Reads the whole partition, page by page. */
  list(): AsyncIterable<DeadLetter>;
  remove(id: string): Promise<void>;
}

/** A binary property holds 64 KiB, an entity 1 MiB (Table Storage data model). Both values leave some room. */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 14;

/** The dead letters of a storage account. Events are compressed, and spread over several entities when needed. No event is truncated. */
export function createDeadLetters(account: StorageAccount, now: () => Date): DeadLetters {
  const table = once(() => openTable(account, deadLetterTable));

  /** The entities of one letter, or of all letters without an id. The first entity of a letter comes first. */
  async function* entities(id?: string): AsyncGenerator<Record<string, unknown>> {
    const { odata } = await import('@azure/data-tables');
    const filter =
      id === undefined
        ? odata`PartitionKey eq ${deadLetterPartition}`
        : odata`PartitionKey eq ${deadLetterPartition} and RowKey ge ${id} and RowKey le ${`${id}~~`}`;
    yield* (await table()).listEntities<Record<string, unknown>>({ queryOptions: { filter } });
  }

  async function* deadLetters(id?: string): AsyncGenerator<DeadLetter> {
    let head: Record<string, unknown> | undefined;
    let chunks: Buffer[] = [];
    for await (const entity of entities(id)) {
      const rowKey = String(entity.rowKey);
      if (!rowKey.includes('~')) {
        if (head !== undefined) yield await toDeadLetter(head, chunks);
        head = entity;
        chunks = [];
      } else if (head === undefined || !rowKey.startsWith(`${String(head.rowKey)}~`)) {
        // The first entity of this letter was never stored, or is already removed.
        continue;
      }
      for (let index = 0; entity[`body${index}`] instanceof Uint8Array; index++) {
        chunks.push(Buffer.from(entity[`body${index}`] as Uint8Array));
      }
    }
    if (head !== undefined) yield await toDeadLetter(head, chunks);
  }

  return {
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
      // Five entities of 840 KB exceed the 4 MiB of a transaction, so each entity has its own. The first entity is stored last, so that a
      // crash leaves no letter without its further entities.
      const client = await table();
      for (const action of actions.reverse()) await client.submitTransaction([action]);
      return id;
    },

    async get(id) {
      for await (const deadLetter of deadLetters(id)) return deadLetter;
      return undefined;
    },

    list: () => deadLetters(),

    async remove(id) {
      const client = await table();
      for await (const { rowKey } of entities(id)) await client.deleteEntity(deadLetterPartition, String(rowKey));
    },
  };
}

async function toDeadLetter(head: Record<string, unknown>, chunks: readonly Buffer[]): Promise<DeadLetter> {
  return {
    id: String(head.rowKey),
    at: String(head.at),
    reason: String(head.reason),
    deviceId: String(head.deviceId),
    state: head.state === 'parked' ? 'parked' : 'dead',
    event: await unpackJson(Buffer.concat(chunks)),
  };
}
