import * as z from 'zod/mini';
import { once } from '../once.ts';
import { openQueue, type StorageAccount } from '../storage/index.ts';
import { sweepQueueName } from './store/index.ts';

/** A finding of a sweep about up to a hundred devices. One invocation handles one work item. In messages it is called a "part". */
export interface WorkItem {
  readonly type: 'part';
  readonly sweepId: string;
  /** The work item's id within its sweep. A work item that is queued again keeps its id. */
  readonly part: string;
  /** `''` means the twin of the device itself. */
  readonly moduleId: string;
  /** `suspect`: the module may break a policy. `missing`: the device exists and the module does not. */
  readonly finding: 'suspect' | 'missing';
  /** When the sweep made the finding, ISO 8601. Query results lag, so the departure may be some minutes older. */
  readonly at: string;
  readonly devices: readonly string[];
  /** Failed attempts so far. */
  readonly attempt: number;
}

/** A message of the sweep's queue. */
export type SweepMessage =
  | WorkItem
  /** Start a sweep. */
  | { readonly type: 'start' }
  /** Resume this sweep, which paused. */
  | { readonly type: 'continue'; readonly sweepId: string };

export interface SweepQueue {
  /** Queues a message. `delay`: seconds until the message can be received. */
  put(message: SweepMessage, delay?: number): Promise<void>;
}

/** Devices in one work item. One bulk call takes this many, and their longest ids fit a queue message: 64 KiB as Base64. */
export const devicesPerItem = 100;

/** Longest delay of a message, in seconds. The next sweep finds the same departures anyway. */
const longestDelay = 3600;

const version = { v: z.literal(1) };
const messageSchema = z.discriminatedUnion('type', [
  z.object({
    ...version,
    type: z.literal('part'),
    sweepId: z.string(),
    part: z.string(),
    moduleId: z.string(),
    finding: z.enum(['suspect', 'missing']),
    at: z.iso.datetime(),
    devices: z.array(z.string()),
    attempt: z.number().check(z.int(), z.gte(0)),
  }),
  z.object({ ...version, type: z.literal('start') }),
  z.object({ ...version, type: z.literal('continue'), sweepId: z.string() }),
]);

/** The sweep's queue in a storage account. */
export function createSweepQueue(account: StorageAccount): SweepQueue {
  const queue = once(() => openQueue(account, sweepQueueName));
  return {
    async put(message, delay = 0) {
      const text = JSON.stringify({ v: 1, ...message });
      await (await queue()).sendMessage(Buffer.from(text).toString('base64'), {
        visibilityTimeout: Math.min(longestDelay, Math.max(0, Math.round(delay))),
      });
    },
  };
}

/**
 * Reads a message of the sweep's queue.
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
