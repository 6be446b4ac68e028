import type { TableEntity } from '@azure/data-tables';
import { type Clock, systemClock } from '../clock.ts';
import { once } from '../once.ts';
import { encodeDeviceId, isMissing, openTable, packJson, type StorageAccount, unpackJson } from '../storage/index.ts';
import type { Json } from '../twin/index.ts';
import {
  fromWindowText,
  type OverwriteWindow,
  overwritesIn,
  toWindowText,
  withinHour,
  withOverwrites,
} from './overwrite-window.ts';

/** A path that a policy owns and an automatic configuration of the hub sets to what breaks the policy's rule. */
export interface CompetingSetting {
  /** The configuration's id. */
  readonly configuration: string;
  readonly targetCondition: string;
  /** Where several configurations set a path, the hub heeds the one whose number is highest. */
  readonly priority: number;
  /** Whether it is about devices' own twins or about those of modules. */
  readonly about: 'device' | 'module';
  readonly policy: string;
  /** The policy's module; `''` for devices' own twins. */
  readonly module: string;
  /** The policy's path, dotted, below `properties.desired`. */
  readonly path: string;
  /** What the configuration puts there; `null` where it removes what the policy wants. */
  readonly theirs: Json;
  /** What the policy would put there; absent where it wants nothing there. */
  readonly wanted?: Json;
  /** The policy says `overrideConfigurations`: it is enforced all the same. */
  readonly overridden: boolean;
}

/** How long a release lifts the limit of a policy, in milliseconds. */
export const releaseTime = 60 * 60_000;

/** What the guards remember: the same for all instances of the app, and kept over restarts. All of it is read by its keys, an entity each. */
export interface GuardStore {
  /**
   * Asks for room to overwrite `count` values for a policy that may overwrite `limit` of them in an hour. Gives back how many may be
   * overwritten now, from 0 to `count`, and has counted those. However many instances ask at the same time, no hour sees more than
   * the limit. What is counted and then not done, because the process ends or the twin changes, stays counted. Throws when storage
   * does not answer.
   */
  reserveOverwrites(policy: string, count: number, limit: number): Promise<number>;
  /** Lifts the limit of a policy for an hour, after which it is counted anew. Gives back when that hour ends. */
  release(policy: string): Promise<Date>;
  /** When a policy was last released; `undefined` if never. */
  releasedAt(policy: string): Promise<Date | undefined>;
  /** Remembers how many devices are in a policy's scope. */
  putDeviceCount(policy: string, devices: number): Promise<void>;
  /** How many devices are in a policy's scope; `undefined` when nobody has counted them yet. */
  deviceCount(policy: string): Promise<number | undefined>;
  /** Remembers the competing settings, in place of those that were known. */
  putCompeting(settings: readonly CompetingSetting[]): Promise<void>;
  /** The competing settings as last found; none when nobody has looked yet. */
  competing(): Promise<readonly CompetingSetting[]>;
}

export interface GuardStoreOptions {
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
}

/** One wish for room, and whoever waits for it. */
interface Reservation {
  readonly count: number;
  readonly limit: number;
  readonly resolve: (granted: number) => void;
  readonly reject: (error: unknown) => void;
}

/** How often others may be quicker in a row. Each time somebody gets on, so that many instances take many turns. */
const maxAttempts = 60;
const longestPause = 500;

/** 64 KiB a binary property and 1 MiB an entity (Table Storage data model), with room to spare. */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 14;

const competingKey = { partitionKey: 'hub!', rowKey: 'competing' };
/** Entities of a policy are one partition: `overwrites`, which passes write, and `devices`, which the sweep writes. */
const policyKey = (policy: string, rowKey: string) => ({ partitionKey: `policy!${encodeDeviceId(policy)}`, rowKey });

/**
 * The guards' memory in the table `TwinkeeperGuards` of a storage account. Wishes that come while one is being seen to wait for it and
 * are then seen to together, in one read and one conditional update.
 */
export function createGuardStore(
  account: StorageAccount,
  { clock = systemClock, random = Math.random }: GuardStoreOptions = {},
): GuardStore {
  const openGuards = once(() => openTable(account, 'TwinkeeperGuards'));
  /** By policy, while it is being seen to. */
  const waiting = new Map<string, Reservation[]>();

  async function read(key: { partitionKey: string; rowKey: string }) {
    try {
      return await (await openGuards()).getEntity<Record<string, unknown>>(key.partitionKey, key.rowKey);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async function upsert(entity: TableEntity): Promise<void> {
    await (await openGuards()).upsertEntity(entity, 'Replace');
  }

  /** Stores an entity if it is still as it was read. */
  async function replace(entity: TableEntity, etag: string | undefined): Promise<boolean> {
    const table = await openGuards();
    try {
      if (etag === undefined) await table.createEntity(entity);
      else await table.updateEntity(entity, 'Replace', { etag });
      return true;
    } catch (error) {
      // Someone was quicker: it exists by now, has changed, or is gone.
      const { statusCode } = error as { readonly statusCode?: unknown };
      if (statusCode === 409 || statusCode === 412 || isMissing(error)) return false;
      throw error;
    }
  }

  /** How many values may be overwritten for each of these wishes about one policy, first come first served. */
  async function grant(policy: string, wishes: readonly Reservation[]): Promise<readonly number[]> {
    const key = policyKey(policy, 'overwrites');
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const stored = await read(key);
      const now = clock.now();
      const releasedAt = toDate(stored?.releasedAt);
      if (releasedAt !== undefined && now.getTime() < releasedAt.getTime() + releaseTime) {
        return wishes.map(({ count }) => count);
      }
      const window = withinHour(toWindow(stored?.minutes), now);
      const before = overwritesIn(window);
      const granted: number[] = [];
      let after = before;
      for (const { count, limit } of wishes) {
        const room = Math.max(0, Math.min(count, limit - after));
        granted.push(room);
        after += room;
      }
      if (after === before) return granted;
      const minutes = toWindowText(withOverwrites(window, after - before, now));
      const entity = { ...key, minutes, ...(releasedAt === undefined ? {} : { releasedAt: releasedAt.toISOString() }) };
      if (await replace(entity, stored?.etag)) return granted;
      await clock.sleep(random() * Math.min(longestPause, 10 * 2 ** attempt));
    }
    throw new Error(`The overwrites of policy ${policy} cannot be counted: others keep counting at the same time.`);
  }

  /** Sees to the wishes about a policy until there are none. */
  async function serve(policy: string): Promise<void> {
    // Passes that got here in one turn of the event loop go together from the start.
    await Promise.resolve();
    for (let wishes = waiting.get(policy) ?? []; wishes.length > 0; wishes = waiting.get(policy) ?? []) {
      waiting.set(policy, []);
      try {
        const granted = await grant(policy, wishes);
        for (const [index, wish] of wishes.entries()) wish.resolve(granted[index] ?? 0);
      } catch (error) {
        for (const wish of wishes) wish.reject(error);
      }
    }
    waiting.delete(policy);
  }

  return {
    async reserveOverwrites(policy, count, limit) {
      if (count <= 0) return 0;
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const wish = { count, limit, resolve, reject };
      const others = waiting.get(policy);
      if (others === undefined) {
        waiting.set(policy, [wish]);
        void serve(policy);
      } else others.push(wish);
      return promise;
    },

    async release(policy) {
      const now = clock.now();
      // What was counted until now is forgotten, so nothing need be read; a count that is on its way finds this and starts over.
      await upsert({ ...policyKey(policy, 'overwrites'), releasedAt: now.toISOString() });
      return new Date(now.getTime() + releaseTime);
    },

    async releasedAt(policy) {
      return toDate((await read(policyKey(policy, 'overwrites')))?.releasedAt);
    },

    putDeviceCount: (policy, devices) => upsert({ ...policyKey(policy, 'devices'), devices }),

    async deviceCount(policy) {
      const devices = (await read(policyKey(policy, 'devices')))?.devices;
      return typeof devices === 'number' ? devices : undefined;
    },

    async putCompeting(settings) {
      const packed = await packJson(settings);
      if (packed.length > bytesPerProperty * propertiesPerEntity) {
        throw new Error(
          `${settings.length} competing settings come to ${packed.length} bytes, more than an entity takes.`,
        );
      }
      const parts: Record<string, Uint8Array> = {};
      for (let from = 0, index = 0; from < packed.length; from += bytesPerProperty, index++) {
        parts[`settings${index}`] = Uint8Array.from(packed.subarray(from, from + bytesPerProperty));
      }
      await upsert({ ...competingKey, ...parts });
    },

    async competing() {
      const stored = await read(competingKey);
      if (stored === undefined) return [];
      const parts: Uint8Array[] = [];
      for (let part = stored.settings0; part instanceof Uint8Array; part = stored[`settings${parts.length}`]) {
        parts.push(part);
      }
      return (await unpackJson(Buffer.concat(parts))) as readonly CompetingSetting[];
    },
  };
}

function toWindow(minutes: unknown): OverwriteWindow {
  return typeof minutes === 'string' ? fromWindowText(minutes) : new Map();
}

function toDate(text: unknown): Date | undefined {
  return typeof text === 'string' ? new Date(text) : undefined;
}
