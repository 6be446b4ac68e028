import { randomUUID } from 'node:crypto';
import type { TransactionAction } from '@azure/data-tables';
import { once } from '../once.ts';
import { newestFirst, openTable, packJson, type StorageAccount, unpackJson } from '../storage/index.ts';

/** Something that could not be done and will not be tried again by itself, with all that is needed to put it back. */
export interface DeadLetter {
  readonly id: string;
  /** When it was given up, or put aside, ISO 8601. */
  readonly at: string;
  readonly reason: string;
  /** `''` where the event did not say. */
  readonly deviceId: string;
  /** `dead`: given up. `parked`: a retry is queued whose event was too large for a queue message. */
  readonly state: 'dead' | 'parked';
  /** The original: an event as it came, or a list of them. */
  readonly event: unknown;
}

/*
 * The table `TwinkeeperDeadLetters`:
 *
 *   PartitionKey  `letters`   RowKey `<inverted time>-<uuid>`       a letter, newest first; this is its id
 *                                    `<inverted time>-<uuid>~<n>`   what of its event did not fit in there
 */
export const deadLetterTable = 'TwinkeeperDeadLetters';
export const deadLetterPartition = 'letters';

/** What could not be done, with its events. */
export interface DeadLetters {
  /** Stores a letter and gives back its id, which sorts newest first. */
  put(letter: Omit<DeadLetter, 'id' | 'at'>): Promise<string>;
  /** Reads the range of keys that begin with the id. */
  get(id: string): Promise<DeadLetter | undefined>;
  /** Newest first; `event` included. Reads the partition, whole, a page at a time. */
  list(): AsyncIterable<DeadLetter>;
  remove(id: string): Promise<void>;
}

/** 64 KiB a binary property and 1 MiB an entity (Table Storage data model), with room to spare. */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 14;

/** Dead letters in a storage account. Bodies are compressed and, where need be, spread over several entities: none is cut short. */
export function createDeadLetters(account: StorageAccount, now: () => Date): DeadLetters {
  const table = once(() => openTable(account, deadLetterTable));

  /** The entities of one letter, its head first; all letters without an id. */
  async function* entities(id?: string): AsyncGenerator<Record<string, unknown>> {
    const { odata } = await import('@azure/data-tables');
    const filter =
      id === undefined
        ? odata`PartitionKey eq ${deadLetterPartition}`
        : odata`PartitionKey eq ${deadLetterPartition} and RowKey ge ${id} and RowKey le ${`${id}~~`}`;
    yield* (await table()).listEntities<Record<string, unknown>>({ queryOptions: { filter } });
  }

  async function* letters(id?: string): AsyncGenerator<DeadLetter> {
    let head: Record<string, unknown> | undefined;
    let parts: Buffer[] = [];
    for await (const entity of entities(id)) {
      const rowKey = String(entity.rowKey);
      if (!rowKey.includes('~')) {
        if (head !== undefined) yield await toLetter(head, parts);
        head = entity;
        parts = [];
      } else if (head === undefined || !rowKey.startsWith(`${String(head.rowKey)}~`)) {
        // Left over from a letter whose head was never written, or is removed already.
        continue;
      }
      for (let index = 0; entity[`body${index}`] instanceof Uint8Array; index++) {
        parts.push(Buffer.from(entity[`body${index}`] as Uint8Array));
      }
    }
    if (head !== undefined) yield await toLetter(head, parts);
  }

  return {
    async put({ reason, deviceId, state, event }) {
      const at = now();
      const id = `${newestFirst(at.getTime())}-${randomUUID()}`;
      const packed = await packJson(event);
      const perEntity = bytesPerProperty * propertiesPerEntity;
      const actions: TransactionAction[] = [];
      for (let from = 0, part = 0; from < packed.length; from += perEntity, part++) {
        const slice = packed.subarray(from, from + perEntity);
        const body: Record<string, Uint8Array> = {};
        for (let start = 0, index = 0; start < slice.length; start += bytesPerProperty, index++) {
          body[`body${index}`] = Uint8Array.from(slice.subarray(start, start + bytesPerProperty));
        }
        const head = part === 0 ? { at: at.toISOString(), reason: reason.slice(0, 8000), deviceId, state, v: 1 } : {};
        const rowKey = part === 0 ? id : `${id}~${String(part).padStart(3, '0')}`;
        actions.push(['create', { partitionKey: deadLetterPartition, rowKey, ...head, ...body }]);
      }
      // Four entities of 840 KB would fill a transaction; the parts come first so that no head ever stands without them.
      const client = await table();
      for (const action of actions.reverse()) await client.submitTransaction([action]);
      return id;
    },

    async get(id) {
      for await (const letter of letters(id)) return letter;
      return undefined;
    },

    list: () => letters(),

    async remove(id) {
      const client = await table();
      for await (const { rowKey } of entities(id)) await client.deleteEntity(deadLetterPartition, String(rowKey));
    },
  };
}

async function toLetter(head: Record<string, unknown>, parts: readonly Buffer[]): Promise<DeadLetter> {
  return {
    id: String(head.rowKey),
    at: String(head.at),
    reason: String(head.reason),
    deviceId: String(head.deviceId),
    state: head.state === 'parked' ? 'parked' : 'dead',
    event: await unpackJson(Buffer.concat(parts)),
  };
}
