import * as z from 'zod/mini';
import type { RawEvent } from '../events/index.ts';
import { once } from '../once.ts';
import { openQueue, packJson, type StorageAccount, unpackJson } from '../storage/index.ts';
import type { DeadLetters } from './dead-letters.ts';

/** The queue's name. Messages that fail too often go to `twinkeeper-deferred-poison`. */
export const deferredQueueName = 'twinkeeper-deferred';

/** Events of one device that must be processed again. */
export interface Deferral {
  readonly deviceId: string;
  readonly events: readonly RawEvent[];
  /** Number of attempts so far. */
  readonly attempt: number;
  readonly reason: string;
}

/** Work that is retried later, in a storage queue. */
export interface DeferredQueue {
  /** Queues a deferral. `delay` is the time until the retry, in seconds, at most about a week. */
  put(deferral: Deferral, delay: number): Promise<void>;
}

/** Maximum length of Base64 events in a message. A message is Base64 again and holds 64 KiB, so its text may have 48 KiB. */
const maxEventsLength = 44_000;
/** Azure Storage hides a message for at most seven days. In seconds, one minute less. */
const maxDelay = 7 * 24 * 3600 - 60;

const messageSchema = z.object({
  v: z.literal(1),
  deviceId: z.string(),
  attempt: z.number().check(z.int(), z.gte(0)),
  reason: z.string(),
  /** gzip, Base64. */
  events: z.optional(z.string()),
  /** Id of a parked dead letter that holds the events, because they are too large for the message. */
  parked: z.optional(z.string()),
});

/** The deferred queue of a storage account. Events that are too large for a message are stored as a parked dead letter. */
export function createDeferredQueue(account: StorageAccount, deadLetters: DeadLetters): DeferredQueue {
  const queue = once(() => openQueue(account, deferredQueueName));

  return {
    async put({ deviceId, events, attempt, reason }, delay) {
      const packed = (await packJson(events)).toString('base64');
      const storedEvents =
        packed.length <= maxEventsLength
          ? { events: packed }
          : { parked: await deadLetters.put({ deviceId, reason, state: 'parked', event: events }) };
      const message = JSON.stringify({ v: 1, deviceId, attempt, reason: reason.slice(0, 500), ...storedEvents });
      // The queue trigger of Azure Functions expects Base64 by default.
      await (await queue()).sendMessage(Buffer.from(message).toString('base64'), {
        visibilityTimeout: Math.min(maxDelay, Math.max(0, Math.round(delay))),
        messageTimeToLive: -1,
      });
    },
  };
}

/** A deferral from the queue. `parked` is the id of a dead letter that must be removed after processing. */
export interface ReceivedDeferral extends Deferral {
  readonly parked?: string;
}

/**
 * Reads a message of the deferred queue.
 *
 * @throws {TypeError} for a message of another shape. Only Twinkeeper writes to the queue, so a retry would not help. The message then
 * ends in the poison queue.
 */
export async function readDeferral(message: unknown, deadLetters: DeadLetters): Promise<ReceivedDeferral> {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success) {
    throw new TypeError(`The message is not a message of ${deferredQueueName}: ${z.prettifyError(parsed.error)}`);
  }
  const { deviceId, attempt, reason, events, parked } = parsed.data;
  const parkedEvents = parked === undefined ? undefined : ((await deadLetters.get(parked))?.event ?? []);
  const stored = parkedEvents ?? (await unpackJson(Buffer.from(events ?? '', 'base64')));
  return {
    deviceId,
    attempt,
    reason,
    events: toRawEvents(stored),
    ...(parked === undefined ? {} : { parked }),
  };
}

/** Converts stored JSON to raw events. A value of another shape becomes an event with an empty envelope, which decodes as ignored. */
export function toRawEvents(stored: unknown): readonly RawEvent[] {
  return (Array.isArray(stored) ? stored : [stored]).map((event: unknown) => {
    const parsed = rawEventSchema.safeParse(event);
    return parsed.success
      ? ({ body: undefined, ...parsed.data } as RawEvent)
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
