import * as z from 'zod/mini';
import type { Clock } from '../clock.ts';
import { once } from '../once.ts';
import { openQueue, type StorageAccount } from '../storage/index.ts';
import {
  type BackfillKey,
  type QueuedItem,
  type SweepStore,
  sweepQueueName,
  type WorkItem,
  type WorkItemKey,
} from './store/index.ts';

/** The key of a work item in the queue. The store holds the work item itself, so a device that is queued is not queued again. */
export interface WorkItemMessage extends WorkItemKey {
  readonly type: 'part';
  /** The `turn` of the work item. A worker drops a message whose turn is over: such a message is an old copy. */
  readonly turn: number;
}

/** A message of the sweep's queue. */
export type SweepMessage =
  | WorkItemMessage
  /** Start a new sweep. `at`: when the sweep was requested, ISO 8601. A sweep that started later has served the request. */
  | { readonly type: 'start'; readonly at?: string }
  /** Resume the paused sweep with this id. */
  | { readonly type: 'continue'; readonly sweepId: string }
  /** Take the next turn of a backfill. */
  | ({ readonly type: 'backfill' } & BackfillKey);

export interface SweepQueue {
  /** Adds a message to the queue. `delay`: seconds until a worker can receive the message. Default: 0. */
  put(message: SweepMessage, delay?: number): Promise<void>;
}

/** Maximum number of devices in one work item. One bulk call takes as many devices. */
export const devicesPerItem = 100;

/** Maximum delay of a message, in seconds. A longer delay has no use: the next sweep finds the same drift. */
const longestDelay = 3600;

const version = { v: z.literal(1) };
const messageSchema = z.discriminatedUnion('type', [
  z.object({
    ...version,
    type: z.literal('part'),
    sweepId: z.string(),
    part: z.string(),
    turn: z.number().check(z.int(), z.gte(0)),
  }),
  z.object({ ...version, type: z.literal('start'), at: z.exactOptional(z.iso.datetime()) }),
  z.object({ ...version, type: z.literal('continue'), sweepId: z.string() }),
  z.object({ ...version, type: z.literal('backfill'), sweepId: z.string(), step: z.int().check(z.gte(0)) }),
]);

/** Opens the sweep's queue in a storage account. */
export function createSweepQueue(account: StorageAccount): SweepQueue {
  const queue = once(() => openQueue(account, sweepQueueName));
  return {
    async put(message, delay = 0) {
      const text = JSON.stringify({ v: 1, ...message });
      await (await queue()).sendMessage(Buffer.from(text).toString('base64'), {
        visibilityTimeout: limitDelay(delay),
      });
    },
  };
}

/** Rounds a delay to whole seconds, and limits it to the maximum delay of a message. */
export function limitDelay(delay: number): number {
  return Math.min(longestDelay, Math.max(0, Math.round(delay)));
}

interface QueueDependencies {
  readonly store: Pick<SweepStore, 'putWorkItem' | 'replaceWorkItem'>;
  readonly queue: SweepQueue;
  readonly clock: Clock;
}

/**
 * Puts a new work item in the queue. The store gets the work item first, because a worker drops a message without a work item. After a crash
 * between the two steps, the sweep is resumed at its checkpoint, and puts a work item with the same key in the queue.
 */
export async function queueWorkItem(
  { store, queue, clock }: QueueDependencies,
  item: Omit<WorkItem, 'attempt' | 'turn' | 'due'>,
): Promise<void> {
  await store.putWorkItem({ ...item, attempt: 0, turn: 0, due: clock.now().toISOString() });
  await queue.put({ type: 'part', sweepId: item.sweepId, part: item.part, turn: 0 });
}

/**
 * Puts a work item in the queue again. The queue gets the message first. After a crash between the two steps, the queue delivers the old
 * message again, and the store still has the work item for it.
 */
export async function queueAgain(
  { store, queue, clock }: QueueDependencies,
  { etag, ...item }: QueuedItem,
  {
    delay,
    ...changes
  }: Partial<Pick<WorkItem, 'devices' | 'attempt' | 'round' | 'backfill'>> & { readonly delay: number },
): Promise<void> {
  const turn = item.turn + 1;
  const due = new Date(clock.now().getTime() + limitDelay(delay) * 1000).toISOString();
  await queue.put({ type: 'part', sweepId: item.sweepId, part: item.part, turn }, delay);
  await store.replaceWorkItem({ etag, ...item }, { ...item, ...changes, turn, due });
}

/**
 * Checks and reads a message of the sweep's queue.
 *
 * @throws {TypeError} when the message has another shape. A retry would fail in the same way.
 */
export function readSweepMessage(message: unknown): SweepMessage {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success)
    throw new TypeError(`Not a message of the queue ${sweepQueueName}: ${z.prettifyError(parsed.error)}`);
  const { v: _, ...content } = parsed.data;
  return content;
}
