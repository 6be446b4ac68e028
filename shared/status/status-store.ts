import * as z from 'zod/mini';
import { once } from '../once.ts';
import {
  GroupCommit,
  ignoreNotFound,
  joinText,
  listPartition,
  loadFilterTag,
  openTable,
  type StorageAccount,
  splitText,
} from '../storage/index.ts';
import { aliveTime, type InstanceUse } from './instance-use.ts';
import { type DayUsage, dayOf, keptMinutes } from './usage.ts';

/*
 * The table `TwinkeeperStatus`:
 *
 *   PartitionKey  `instances!<day>`  RowKey `<instance>`  the use of the hub by one process on one day (UTC)
 *                 `status`           RowKey `last`        what the last run of `roll-up` counted
 */
const statusTable = 'TwinkeeperStatus';
const instancesPrefix = 'instances!';
const lastKey = { partitionKey: 'status', rowKey: 'last' } as const;

/** What the last run of `roll-up` counted. Times are ISO 8601. */
export interface RolledUp {
  /** The time of the run. */
  readonly at: string;
  /** The time of the first run of all. */
  readonly since: string;
  readonly mode: 'enforce' | 'audit';
  /** The longest time between two sweeps by the timer, in minutes. */
  readonly sweepGapMinutes: number;
  /** The longest time between two runs of `roll-up`, in minutes. */
  readonly rollUpGapMinutes: number;
  /** The messages that the app may take from the hub's quota in a day. */
  readonly messagesAllowed?: number;
  readonly open: number;
  /** Number of open rows by reason: see `OpenCounts`. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Number of devices with open rows, by policy. */
  readonly outOfLine: Readonly<Record<string, number>>;
  /** Number of devices with open rows, each counted once. Absent where an earlier version of the app has counted. */
  readonly devicesOutOfLine?: number;
  /** When events arrived last, as far as the run knew. */
  readonly lastEventAt?: string;
  /** The time of a change to the hub after which no event has arrived. */
  readonly unansweredSince?: string;
}

/** The stored parts of the status: the use of the hub by each process, and what `roll-up` counted. */
export interface StatusStore {
  /** Stores the use of one day of one process. `instance` is the name of the process. */
  putUsage(instance: string, usage: DayUsage): Promise<void>;
  /** Reads the messages and the signs of life of all processes today, and just after midnight also those of yesterday. */
  instances(): Promise<readonly InstanceUse[]>;
  /** Reads the use of all processes today, and just before midnight also that of yesterday. Reads one or two partitions. */
  usages(): Promise<readonly DayUsage[]>;
  putRolledUp(counts: RolledUp): Promise<void>;
  /** What the last run of `roll-up` counted. `undefined` before the first run. */
  rolledUp(): Promise<RolledUp | undefined>;
  /** Removes the use of days before a time. `mayContinue` is called before each batch, and `false` ends the run. */
  removeBefore(time: Date, mayContinue: () => boolean): Promise<{ readonly isUnfinished: boolean }>;
}

const text = z.string();
const optionalText = z.optional(text);
const counts = z.record(text, z.number());

const usageSchema = z.object({
  minutes: z.record(text, z.record(text, z.tuple([z.number(), z.number()]))),
  messages: z.number(),
  aliveAt: optionalText,
  quotaTakenAt: optionalText,
  quotaEndedAt: optionalText,
  lastEventAt: optionalText,
  lastChangeAt: optionalText,
  lastAnswerAt: optionalText,
  lastFailureAt: optionalText,
  failure: optionalText,
});

const instanceUseSchema = z.pick(usageSchema, {
  messages: true,
  aliveAt: true,
  quotaTakenAt: true,
  quotaEndedAt: true,
});

const rolledUpSchema = z.object({
  at: text,
  since: text,
  mode: z.enum(['enforce', 'audit']),
  sweepGapMinutes: z.number(),
  rollUpGapMinutes: z.number(),
  messagesAllowed: z.optional(z.number()),
  open: z.number(),
  reasons: counts,
  outOfLine: counts,
  devicesOutOfLine: z.optional(z.number()),
  lastEventAt: optionalText,
  unansweredSince: optionalText,
});

/** Opens the status store of a storage account. Errors of the storage service are thrown unchanged. */
export function createStatusStore(account: StorageAccount, now: () => Date): StatusStore {
  const table = once(() => openTable(account, statusTable));

  return {
    async putUsage(instance, { day, minutes, ...usage }) {
      const key = { partitionKey: `${instancesPrefix}${day}`, rowKey: instance };
      const entity = { ...key, ...usage, minutes: JSON.stringify(minutes) };
      await (await table()).upsertEntity(entity, 'Replace');
    },

    async instances() {
      const at = now();
      const days = new Set([dayOf(new Date(at.getTime() - aliveTime)), dayOf(at)]);
      const uses: InstanceUse[] = [];
      for (const day of days) {
        const columns = ['rowKey', ...Object.keys(instanceUseSchema.shape)];
        for await (const entity of listPartition(await table(), `${instancesPrefix}${day}`, columns)) {
          const parsed = instanceUseSchema.safeParse(entity);
          if (!parsed.success) continue;
          uses.push({ instance: String(entity.rowKey), day, ...withoutUndefined(parsed.data) } as InstanceUse);
        }
      }
      return uses;
    },

    async usages() {
      const at = now();
      const days = new Set([dayOf(new Date(at.getTime() - keptMinutes * 60_000)), dayOf(at)]);
      const usages: DayUsage[] = [];
      for (const day of days) {
        for await (const entity of listPartition(await table(), `${instancesPrefix}${day}`)) {
          const parsed = usageSchema.safeParse({ ...entity, minutes: parse(entity.minutes) });
          // A row of another version of the app is left out.
          if (parsed.success) usages.push({ day, ...withoutUndefined(parsed.data) } as DayUsage);
        }
      }
      return usages;
    },

    async putRolledUp(rolledUp) {
      const counts = splitText('counts', JSON.stringify(rolledUp));
      await (await table()).upsertEntity({ ...lastKey, ...counts }, 'Replace');
    },

    async rolledUp() {
      const client = await table();
      const entity = await client
        .getEntity<Record<string, unknown>>(lastKey.partitionKey, lastKey.rowKey)
        .catch(ignoreNotFound);
      const parsed = rolledUpSchema.safeParse(parse(joinText('counts', entity ?? {})));
      return parsed.success ? (withoutUndefined(parsed.data) as unknown as RolledUp) : undefined;
    },

    async removeBefore(time, mayContinue) {
      const [client, odata] = [await table(), await loadFilterTag()];
      const end = `${instancesPrefix}${dayOf(time)}`;
      const filter = odata`PartitionKey ge ${instancesPrefix} and PartitionKey lt ${end}`;
      const removal = new GroupCommit(table);
      const pages = client.listEntities({ queryOptions: { filter, select: ['partitionKey', 'rowKey'] } });
      for await (const page of pages.byPage({ maxPageSize: 100 })) {
        if (page.length > 0 && !mayContinue()) return { isUnfinished: true };
        await removal.apply(
          page.map(({ partitionKey = '', rowKey = '' }) => ({ type: 'delete' as const, partitionKey, rowKey })),
        );
      }
      return { isUnfinished: false };
    },
  };
}

function parse(stored: unknown): unknown {
  if (typeof stored !== 'string') return undefined;
  try {
    return JSON.parse(stored);
  } catch {
    return undefined;
  }
}

function withoutUndefined(values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
