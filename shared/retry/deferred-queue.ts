import * as z from 'zod/mini';
import type { RawEvent } from '../events/index.ts';
import { once } from '../once.ts';
import { openQueue, packJson, type StorageAccount, unpackJson } from '../storage/index.ts';
import type { DeadLetters } from './dead-letters.ts';
import { deferredQueueName } from './deferred-queue-name.ts';

/** A deferral: events of one device that Twinkeeper must process again. */
export interface Deferral {
  readonly deviceId: string;
  readonly events: readonly RawEvent[];
  /** Number of attempts to process the events so far. */
  readonly attempt: number;
  readonly reason: string;
  /** True when a person replays a dead letter. The twins are then read even where the history says that the events are done. */
  readonly isReplay?: true;
}

/** The storage queue of deferred work. Twinkeeper retries the work later. */
export interface DeferredQueue {
  /**
   * Queues a deferral.
   *
   * @param delay Seconds until the retry. More than about a week counts as a week.
   */
  put(deferral: Deferral, delay: number): Promise<void>;
}

/**
 * Maximum number of Base64 characters of events in a queue message. The message is encoded in Base64 a second time. A queue message holds
 * 64 KiB, so the message before this encoding holds 48 KiB.
 */
const maxEventsLength = 44_000;
/** Maximum delay of a queue message, in seconds. Azure Storage allows seven days, and this value is one minute less. */
const maxDelay = 7 * 24 * 3600 - 60;

const messageSchema = z.object({
  v: z.literal(1),
  deviceId: z.string(),
  attempt: z.number().check(z.int(), z.gte(0)),
  reason: z.string(),
  isReplay: z.optional(z.literal(true)),
  /** The events as JSON, compressed with gzip and encoded in Base64. */
  events: z.optional(z.string()),
  /** Id of a parked dead letter. Set when the events are too large for the message, so that the dead letter holds the events. */
  parked: z.optional(z.string()),
});

/** Creates the deferred queue of a storage account. Events that are too large for a queue message are stored in a parked dead letter. */
export function createDeferredQueue(account: StorageAccount, deadLetters: DeadLetters): DeferredQueue {
  const queue = once(() => openQueue(account, deferredQueueName));

  return {
    async put({ deviceId, events, attempt, reason, isReplay }, delay) {
      const packed = (await packJson(events)).toString('base64');
      const storedEvents =
        packed.length <= maxEventsLength
          ? { events: packed }
          : { parked: await deadLetters.put({ deviceId, reason, state: 'parked', event: events }) };
      const message = JSON.stringify({
        ...{ v: 1, deviceId, attempt, reason: reason.slice(0, 500) },
        ...(isReplay ? { isReplay } : {}),
        ...storedEvents,
      });
      // The queue trigger of Azure Functions expects Base64 by default.
      await (await queue()).sendMessage(Buffer.from(message).toString('base64'), {
        visibilityTimeout: Math.min(maxDelay, Math.max(0, Math.round(delay))),
        messageTimeToLive: -1,
      });
    },
  };
}

/** Returns a function that reads the approximate number of messages in the deferred queue, also those whose delay has not passed. */
export function createDeferredQueueLength(account: StorageAccount): () => Promise<number> {
  const queue = once(() => openQueue(account, deferredQueueName));
  return async () => (await (await queue()).getProperties()).approximateMessagesCount ?? 0;
}

/**
 * A deferral that was received from the queue. `parked` is the id of a dead letter. The receiver must remove that dead letter after the
 * events are processed.
 */
export interface ReceivedDeferral extends Deferral {
  readonly parked?: string;
}

/**
 * Decodes a message of the deferred queue.
 *
 * @throws {TypeError} when the message has another shape. Only Twinkeeper writes to the queue, so a retry would not help. The message then
 * moves to the poison queue.
 */
export async function readDeferral(message: unknown, deadLetters: DeadLetters): Promise<ReceivedDeferral> {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success) {
    throw new TypeError(`The message is not a message of ${deferredQueueName}: ${z.prettifyError(parsed.error)}`);
  }
  const { deviceId, attempt, reason, isReplay, events, parked } = parsed.data;
  const parkedEvents = parked === undefined ? undefined : ((await deadLetters.get(parked))?.event ?? []);
  const stored = parkedEvents ?? (await unpackJson(Buffer.from(events ?? '', 'base64')));
  return {
    deviceId,
    attempt,
    reason,
    events: toRawEvents(stored),
    ...(isReplay ? { isReplay } : {}),
    ...(parked === undefined ? {} : { parked }),
  };
}

/** Converts stored JSON to raw events. A value that is not a raw event becomes an event without properties, which Twinkeeper ignores. */
export function toRawEvents(stored: unknown): readonly RawEvent[] {
  return (Array.isArray(stored) ? stored : [stored]).map((event: unknown) => {
    const parsed = rawEventSchema.safeParse(event);
    return parsed.success
      ? ({ body: undefined, ...parsed.data } as RawEvent)
      : { body: event, properties: {}, systemProperties: {} };
  });
}

const rawEventSchema = z.object({
  // The body is optional, because JSON leaves out an `undefined` body.
  body: z.optional(z.unknown()),
  properties: z.record(z.string(), z.unknown()),
  systemProperties: z.record(z.string(), z.unknown()),
  enqueuedTime: z.optional(z.string()),
});
