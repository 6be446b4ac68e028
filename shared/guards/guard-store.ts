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

/** Milliseconds after the release of a policy for which the policy has no limit. */
const releaseTime = 60 * 60_000;

/**
 * The stored state of the guards. All instances of the app share the state, and the state survives a restart. Each method reads or writes
 * one entity by its key.
 */
export interface GuardStore {
  /**
   * Reserves up to `count` overwrites for a policy. Returns the number of granted overwrites, from 0 to `count`. Grants at most `limit`
   * overwrites within any hour, in all instances of the app together. A granted overwrite stays counted even when nobody carries it out.
   * Throws when storage does not answer.
   */
  reserveOverwrites(policy: string, count: number, limit: number): Promise<number>;
  /**
   * Releases a policy: the policy has no limit for an hour, and the count of its overwrites starts again at 0. Returns the end of the hour.
   */
  release(policy: string): Promise<Date>;
  /** The time of the last release of a policy. `undefined` when the policy was never released. */
  releasedAt(policy: string): Promise<Date | undefined>;
  /** Stores the number of devices in the scope of a policy. */
  putDeviceCount(policy: string, devices: number): Promise<void>;
  /** The number of devices in the scope of a policy. `undefined` before a sweep has counted the devices. */
  deviceCount(policy: string): Promise<number | undefined>;
  /** Replaces all stored competing settings. */
  putCompeting(settings: readonly CompetingSetting[]): Promise<void>;
  /** The settings of automatic configurations that compete with a policy, as the last sweep stored them. Empty before the first sweep. */
  competing(): Promise<readonly CompetingSetting[]>;
}

export interface GuardStoreOptions {
  readonly clock?: Clock;
  /** Returns a random number from 0 to 1, which spreads the pauses between attempts. The default is `Math.random`. */
  readonly random?: () => number;
}

/** One call of {@link GuardStore.reserveOverwrites} that waits for its result. */
interface Reservation {
  readonly count: number;
  readonly limit: number;
  readonly resolve: (granted: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Maximum number of failed updates in a row. An update fails when another instance of the app was faster, so many instances need many
 * attempts.
 */
const maxAttempts = 60;
/** Maximum pause between two attempts to update the count of overwrites, in milliseconds. */
const maxPause = 500;

/**
 * Maximum bytes in one binary property of an entity. Table Storage allows 64 KiB in a property and 1 MiB in an entity ("Table Storage data
 * model"). This constant and the next one stay below these limits.
 */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 14;

const competingKey = { partitionKey: 'hub!', rowKey: 'competing' };
/**
 * The key of an entity of a policy. Each policy is one partition with two entities. Passes write the entity `overwrites`. The sweep writes
 * the entity `devices`.
 */
const policyKey = (policy: string, rowKey: string) => ({ partitionKey: `policy!${encodeDeviceId(policy)}`, rowKey });

/**
 * Creates the guard store in the table `TwinkeeperGuards` of a storage account. Reservations of a policy that arrive during an update of
 * storage wait. The next update then handles all waiting reservations together.
 */
export function createGuardStore(
  account: StorageAccount,
  { clock = systemClock, random = Math.random }: GuardStoreOptions = {},
): GuardStore {
  const openGuards = once(() => openTable(account, 'TwinkeeperGuards'));
  /** Waiting reservations, by policy. A policy has an entry in the map while its reservations are processed. */
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

  /**
   * Stores an entity, unless another process changed the entity after it was read. Returns whether the entity was stored. Without an ETag,
   * the entity must not exist yet.
   */
  async function replace(entity: TableEntity, etag: string | undefined): Promise<boolean> {
    const table = await openGuards();
    try {
      if (etag === undefined) await table.createEntity(entity);
      else await table.updateEntity(entity, 'Replace', { etag });
      return true;
    } catch (error) {
      // Another process created, changed or deleted the entity.
      const { statusCode } = error as { readonly statusCode?: unknown };
      if (statusCode === 409 || statusCode === 412 || isEntityNotFound(error)) return false;
      throw error;
    }
  }

  /**
   * Grants overwrites to the waiting reservations of one policy, in their order. Needs one read and one conditional update of the policy's
   * entity. Tries again when another instance of the app changed the entity.
   */
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

  /** Processes the reservations of a policy until no reservation waits. */
  async function processReservations(policy: string): Promise<void> {
    // The first update waits for the remaining calls of `reserveOverwrites` in the same turn of the event loop, so that these calls share
    // the update.
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
      // The new entity has no overwrites, so the count starts again at 0. An update of the count at the same time fails, because the ETag
      // has changed. The retry of that update then reads the release.
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
