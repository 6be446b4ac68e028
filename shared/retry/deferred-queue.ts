import * as z from 'zod/mini';
import type { RawEvent } from '../events/index.ts';
import { once } from '../once.ts';
import { openQueue, packJson, type StorageAccount, unpackJson } from '../storage/index.ts';
import type { DeadLetters } from './dead-letters.ts';

/** The queue's name; what fails in it for good ends in `twinkeeper-deferred-poison`. */
export const deferredQueueName = 'twinkeeper-deferred';

/** Events of one device whose work could not be done, to be tried again. */
export interface Deferral {
  readonly deviceId: string;
  readonly events: readonly RawEvent[];
  /** How many times it has been tried. */
  readonly attempt: number;
  readonly reason: string;
}

/** What is tried again later, in a storage queue. */
export interface DeferredQueue {
  /** Queues a deferral to be tried after so many seconds, at most a week. */
  put(deferral: Deferral, delay: number): Promise<void>;
}

/** A queue message takes 64 KiB, of which Base64 eats a quarter; the rest of the message is small. */
const largestPackedEvents = 44_000;
/** Azure Storage keeps a message invisible for seven days at most. */
const longestDelay = 7 * 24 * 3600 - 60;

const messageSchema = z.object({
  v: z.literal(1),
  deviceId: z.string(),
  attempt: z.number().check(z.int(), z.gte(0)),
  reason: z.string(),
  /** gzip, Base64. */
  events: z.optional(z.string()),
  /** A dead letter that holds the events because they were too large. */
  parked: z.optional(z.string()),
});

/** The deferred queue of a storage account. Events too large for a message wait among the dead letters, and the message names them. */
export function createDeferredQueue(account: StorageAccount, deadLetters: DeadLetters): DeferredQueue {
  const queue = once(() => openQueue(account, deferredQueueName));

  return {
    async put({ deviceId, events, attempt, reason }, delay) {
      const packed = (await packJson(events)).toString('base64');
      const where =
        packed.length <= largestPackedEvents
          ? { events: packed }
          : { parked: await deadLetters.put({ deviceId, reason, state: 'parked', event: events }) };
      const message = JSON.stringify({ v: 1, deviceId, attempt, reason: reason.slice(0, 500), ...where });
      // The Functions queue trigger expects Base64 unless told otherwise.
      await (await queue()).sendMessage(Buffer.from(message).toString('base64'), {
        visibilityTimeout: Math.min(longestDelay, Math.max(0, Math.round(delay))),
        messageTimeToLive: -1,
      });
    },
  };
}

/** A deferral taken from the queue, and what must be removed once it is dealt with. */
export interface ReceivedDeferral extends Deferral {
  readonly parked?: string;
}

/**
 * Reads a message of the deferred queue. Throws a `TypeError` when it is none: nobody else writes to that queue, so retrying would not
 * make it better, and the poison queue is where it belongs.
 */
export async function readDeferral(message: unknown, deadLetters: DeadLetters): Promise<ReceivedDeferral> {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success) throw new TypeError(`Not a message of ${deferredQueueName}: ${z.prettifyError(parsed.error)}`);
  const { deviceId, attempt, reason, events, parked } = parsed.data;
  const stored = parked === undefined ? undefined : ((await deadLetters.get(parked))?.event ?? []);
  const unpacked = stored ?? (await unpackJson(Buffer.from(events ?? '', 'base64')));
  return {
    deviceId,
    attempt,
    reason,
    events: toRawEvents(unpacked),
    ...(parked === undefined ? {} : { parked }),
  };
}

/** Events that were stored as JSON. Whatever is not shaped like one is given an empty envelope, which decodes as "not ours". */
export function toRawEvents(stored: unknown): readonly RawEvent[] {
  return (Array.isArray(stored) ? stored : [stored]).map((event: unknown) => {
    const shape = rawEventSchema.safeParse(event);
    return shape.success
      ? ({ body: undefined, ...shape.data } as RawEvent)
      : { body: event, properties: {}, systemProperties: {} };
  });
}

const rawEventSchema = z.object({
  // JSON leaves out a body that is undefined.
  body: z.optional(z.unknown()),
  properties: z.record(z.string(), z.unknown()),
  systemProperties: z.record(z.string(), z.unknown()),
  enqueuedTime: z.optional(z.string()),
});
