import * as z from 'zod/mini';
import { once } from '../once.ts';
import { openQueue, type StorageAccount } from '../storage/index.ts';
import { sweepQueueName } from './store/index.ts';

/** What a sweep found about some devices, and what is to be made of it. One part fits one invocation. */
export interface WorkItem {
  readonly type: 'part';
  readonly sweepId: string;
  /** Which part of the sweep: the same for the same work, however often it is handed out. */
  readonly part: string;
  /** `''` for the devices' own twins. */
  readonly moduleId: string;
  /** `suspect`: may break a policy, read it. `missing`: the device is there and the module is not. */
  readonly finding: 'suspect' | 'missing';
  /** When the sweep saw this, ISO 8601. Queries lag, so that it may have been so some minutes earlier. */
  readonly at: string;
  readonly devices: readonly string[];
  /** How often it has been tried. */
  readonly attempt: number;
}

/** A message of the queue. */
export type SweepMessage =
  | WorkItem
  /** Begin a sweep, unless one is under way. */
  | { readonly type: 'start' }
  /** Go on with this sweep, which came to its deadline. */
  | { readonly type: 'continue'; readonly sweepId: string };

export interface SweepQueue {
  /** Queues a message that is seen after so many seconds. */
  put(message: SweepMessage, delay?: number): Promise<void>;
}

/** Devices in one part: as many as one bulk call takes, and as fit a queue message of 64 KiB in Base64 with the longest ids. */
export const devicesPerItem = 100;

/** No message waits longer than this, in seconds: the next sweep would find the same by itself. */
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

/** Reads a message. Throws a `TypeError` when it is none: nobody else writes to that queue, and trying again would not make it better. */
export function readSweepMessage(message: unknown): SweepMessage {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success) throw new TypeError(`Not a message of ${sweepQueueName}: ${z.prettifyError(parsed.error)}`);
  const { v: _, ...content } = parsed.data;
  return content;
}
