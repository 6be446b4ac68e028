import * as z from 'zod/mini';
import { once } from '../once.ts';
import { openQueue, type StorageAccount } from '../storage/index.ts';
import { sweepQueueName } from './store/index.ts';

/**
 * Up to 100 devices that may need a repair of one module. One invocation handles one work item. Stored messages call a work item a "part".
 */
export interface WorkItem {
  readonly type: 'part';
  readonly sweepId: string;
  /** Id of the work item within its sweep. A work item that is queued again keeps its id. */
  readonly part: string;
  /** Name of the module. `''` means the device's own twin. */
  readonly moduleId: string;
  /** `suspect`: the module may break a policy. `missing`: the device exists and the module does not. */
  readonly finding: 'suspect' | 'missing';
  /** When the sweep found the devices, ISO 8601. Query results are some minutes old, so the drift may be older than this time. */
  readonly at: string;
  readonly devices: readonly string[];
  /** Number of failed attempts so far. */
  readonly attempt: number;
}

/** A message of the sweep's queue. */
export type SweepMessage =
  | WorkItem
  /** Start a new sweep. `at`: when the sweep was requested, ISO 8601. A sweep that started later has served the request. */
  | { readonly type: 'start'; readonly at?: string }
  /** Resume the paused sweep with this id. */
  | { readonly type: 'continue'; readonly sweepId: string };

export interface SweepQueue {
  /** Adds a message to the queue. `delay`: seconds until a worker can receive the message. Default: 0. */
  put(message: SweepMessage, delay?: number): Promise<void>;
}

/**
 * Maximum number of devices in one work item. One bulk call takes as many devices. The ids fit in a queue message even at their greatest
 * length: a message has at most 64 KiB of Base64.
 */
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
    moduleId: z.string(),
    finding: z.enum(['suspect', 'missing']),
    at: z.iso.datetime(),
    devices: z.array(z.string()),
    attempt: z.number().check(z.int(), z.gte(0)),
  }),
  z.object({ ...version, type: z.literal('start'), at: z.exactOptional(z.iso.datetime()) }),
  z.object({ ...version, type: z.literal('continue'), sweepId: z.string() }),
]);

/** Opens the sweep's queue in a storage account. */
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
