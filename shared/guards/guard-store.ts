import type { TableEntity } from '@azure/data-tables';
import { type Clock, systemClock } from '../clock.ts';
import { once } from '../once.ts';
import {
  encodeDeviceId,
  isEntityNotFound,
  openTable,
  packJson,
  type StorageAccount,
  unpackJson,
} from '../storage/index.ts';
import type { CompetingSetting } from './competing-settings.ts';
import {
  fromWindowText,
  type OverwriteWindow,
  overwritesIn,
  toWindowText,
  withinHour,
  withOverwrites,
} from './overwrite-window.ts';

/** Milliseconds for which a release lifts a policy's limit. */
const releaseTime = 60 * 60_000;

/** The guards' memory. All instances of the app share it, and it survives restarts. Each method reads or writes one entity by its key. */
export interface GuardStore {
  /**
   * Reserves up to `count` overwrites for a policy, and returns how many were granted, from 0 to `count`. At most `limit` overwrites are
   * granted within any hour, across all instances. Granted overwrites stay counted even when they are not carried out. Throws when
   * storage does not answer.
   */
  reserveOverwrites(policy: string, count: number, limit: number): Promise<number>;
  /** Lifts a policy's limit for an hour, and resets its count. Returns the end of that hour. */
  release(policy: string): Promise<Date>;
  /** When a policy was last released. `undefined` when it never was. */
  releasedAt(policy: string): Promise<Date | undefined>;
  /** Stores the number of devices in a policy's scope. */
  putDeviceCount(policy: string, devices: number): Promise<void>;
  /** The number of devices in a policy's scope. `undefined` before the first count. */
  deviceCount(policy: string): Promise<number | undefined>;
  /** Replaces the stored competing settings. */
  putCompeting(settings: readonly CompetingSetting[]): Promise<void>;
  /** The stored competing settings. Empty before the first sweep. */
  competing(): Promise<readonly CompetingSetting[]>;
}

export interface GuardStoreOptions {
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
}

/** One waiting call of {@link GuardStore.reserveOverwrites}. */
interface Reservation {
  readonly count: number;
  readonly limit: number;
  readonly resolve: (granted: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Maximum number of failed updates in a row. Each failure means that another instance succeeded, so many instances need many attempts. */
const maxAttempts = 60;
/** Maximum milliseconds between two attempts. */
const maxPause = 500;

/** A binary property holds 64 KiB, an entity 1 MiB (Table Storage data model). Both values leave some room. */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 14;

const competingKey = { partitionKey: 'hub!', rowKey: 'competing' };
/** A policy is one partition with two entities: passes write `overwrites`, and the sweep writes `devices`. */
const policyKey = (policy: string, rowKey: string) => ({ partitionKey: `policy!${encodeDeviceId(policy)}`, rowKey });

/**
 * The guard store in the table `TwinkeeperGuards` of a storage account. Reservations for one policy that arrive during an update wait, and
 * then share the next update.
 */
export function createGuardStore(
  account: StorageAccount,
  { clock = systemClock, random = Math.random }: GuardStoreOptions = {},
): GuardStore {
  const openGuards = once(() => openTable(account, 'TwinkeeperGuards'));
  /** Waiting reservations, by policy. A policy has an entry while its reservations are processed. */
  const waiting = new Map<string, Reservation[]>();

  async function read(key: { partitionKey: string; rowKey: string }) {
    try {
      return await (await openGuards()).getEntity<Record<string, unknown>>(key.partitionKey, key.rowKey);
    } catch (error) {
      if (isEntityNotFound(error)) return undefined;
      throw error;
    }
  }

  async function upsert(entity: TableEntity): Promise<void> {
    await (await openGuards()).upsertEntity(entity, 'Replace');
  }

  /** Stores an entity unless another writer changed it. Returns whether it was stored. Without an ETag, the entity must not exist yet. */
  async function replace(entity: TableEntity, etag: string | undefined): Promise<boolean> {
    const table = await openGuards();
    try {
      if (etag === undefined) await table.createEntity(entity);
      else await table.updateEntity(entity, 'Replace', { etag });
      return true;
    } catch (error) {
      // Another writer created, changed or deleted the entity.
      const { statusCode } = error as { readonly statusCode?: unknown };
      if (statusCode === 409 || statusCode === 412 || isEntityNotFound(error)) return false;
      throw error;
    }
  }

  /** Grants overwrites to reservations of one policy, in their order, in one read and one conditional update. */
  async function grant(policy: string, reservations: readonly Reservation[]): Promise<readonly number[]> {
    const key = policyKey(policy, 'overwrites');
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const stored = await read(key);
      const now = clock.now();
      const releasedAt = toDate(stored?.releasedAt);
      if (releasedAt !== undefined && now.getTime() < releasedAt.getTime() + releaseTime) {
        return reservations.map(({ count }) => count);
      }
      const window = withinHour(toWindow(stored?.minutes), now);
      const before = overwritesIn(window);
      const granted: number[] = [];
      let after = before;
      for (const { count, limit } of reservations) {
        const room = Math.max(0, Math.min(count, limit - after));
        granted.push(room);
        after += room;
      }
      if (after === before) return granted;
      const minutes = toWindowText(withOverwrites(window, after - before, now));
      const entity = { ...key, minutes, ...(releasedAt === undefined ? {} : { releasedAt: releasedAt.toISOString() }) };
      if (await replace(entity, stored?.etag)) return granted;
      await clock.sleep(random() * Math.min(maxPause, 10 * 2 ** attempt));
    }
    throw new Error(
      `The overwrites of policy ${policy} could not be counted: other instances changed the count ${maxAttempts} times in a row.`,
    );
  }

  /** Processes the reservations of a policy until none wait. */
  async function processReservations(policy: string): Promise<void> {
    // Calls in the same turn of the event loop share the first update.
    await Promise.resolve();
    let batch = waiting.get(policy) ?? [];
    while (batch.length > 0) {
      waiting.set(policy, []);
      try {
        const granted = await grant(policy, batch);
        for (const [index, reservation] of batch.entries()) reservation.resolve(granted[index] ?? 0);
      } catch (error) {
        for (const reservation of batch) reservation.reject(error);
      }
      batch = waiting.get(policy) ?? [];
    }
    waiting.delete(policy);
  }

  return {
    async reserveOverwrites(policy, count, limit) {
      if (count <= 0) return 0;
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const reservation = { count, limit, resolve, reject };
      const queue = waiting.get(policy);
      if (queue === undefined) {
        waiting.set(policy, [reservation]);
        void processReservations(policy);
      } else queue.push(reservation);
      return promise;
    },

    async release(policy) {
      const now = clock.now();
      // Replacing the entity resets the count. A concurrent `grant` fails on the ETag, and reads the release.
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
          `${settings.length} competing settings need ${packed.length} bytes, and a table entity holds ` +
            `${bytesPerProperty * propertiesPerEntity}. Reduce the configurations that break policies.`,
        );
      }
      const properties: Record<string, Uint8Array> = {};
      for (let from = 0, index = 0; from < packed.length; from += bytesPerProperty, index++) {
        properties[`settings${index}`] = Uint8Array.from(packed.subarray(from, from + bytesPerProperty));
      }
      await upsert({ ...competingKey, ...properties });
    },

    async competing() {
      const stored = await read(competingKey);
      if (stored === undefined) return [];
      const chunks: Uint8Array[] = [];
      for (let chunk = stored.settings0; chunk instanceof Uint8Array; chunk = stored[`settings${chunks.length}`]) {
        chunks.push(chunk);
      }
      return (await unpackJson(Buffer.concat(chunks))) as readonly CompetingSetting[];
    },
  };
}

function toWindow(minutes: unknown): OverwriteWindow {
  return typeof minutes === 'string' ? fromWindowText(minutes) : new Map();
}

function toDate(text: unknown): Date | undefined {
  return typeof text === 'string' ? new Date(text) : undefined;
}
