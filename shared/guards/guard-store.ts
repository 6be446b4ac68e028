import type { TableEntity } from '@azure/data-tables';
import { type Clock, systemClock } from '../clock.ts';
import { once } from '../once.ts';
import { isEntityNotFound, openTable, packJson, type StorageAccount, unpackJson } from '../storage/index.ts';
import type { CompetingSetting } from './competing-settings.ts';
import { CountedTwins, policyPartition, type TwinIds } from './counted-twins.ts';

/**
 * The stored state of the guards. All instances of the app share the state, and the state survives a restart. Each method reads or writes
 * one entity by its key.
 */
export interface GuardStore {
  /**
   * Reserves the right of a policy to overwrite or remove values in one twin. Returns whether the right is granted. Within any hour, at most
   * `limit` twins are granted, in all instances of the app together. A twin that was granted within the hour is granted again. It
   * then counts from the new time, and not a second time. A granted twin stays counted even when nobody changes the twin. Throws when storage does not answer.
   */
  reserveTwin(policy: string, twin: TwinIds, limit: number): Promise<boolean>;
  /** Whether {@link reserveTwin} would grant the twin now. Reserves nothing. */
  hasRoomFor(policy: string, twin: TwinIds, limit: number): Promise<boolean>;
  /** Number of twins that {@link reserveTwin} would grant now. Infinity while the policy is released. Reserves nothing. */
  roomFor(policy: string, limit: number): Promise<number>;
  /**
   * Releases a policy: the policy has no limit for an hour, and the count of its twins starts again at 0. Returns the end of the hour.
   */
  release(policy: string): Promise<Date>;
  /**
   * Removes the entities of twins that do not count any more.
   *
   * @param mayContinue Called before each batch. `false` ends the run.
   */
  removeExpired(mayContinue: () => boolean): Promise<{ readonly isUnfinished: boolean }>;
  /** The time of the last release of a policy. `undefined` when the policy was never released. */
  releasedAt(policy: string): Promise<Date | undefined>;
  /** The time until which a policy has no limit, because it was released. `undefined` when the limit of the policy holds. */
  releasedUntil(policy: string): Promise<Date | undefined>;
  /** Stores the number of devices in the scope of a policy. */
  putDeviceCount(policy: string, devices: number): Promise<void>;
  /** The number of devices in the scope of a policy. `undefined` before a sweep has counted the devices. */
  deviceCount(policy: string): Promise<number | undefined>;
  /** Stores the number of devices in the scope of at least one policy. */
  putFleetCount(fleet: FleetCount): Promise<void>;
  /** The number of devices in the scope of at least one policy. `undefined` before a sweep has counted them. */
  fleetCount(): Promise<FleetCount | undefined>;
  /** Replaces all stored competing settings. */
  putCompeting(settings: readonly CompetingSetting[]): Promise<void>;
  /** The settings of automatic configurations that compete with a policy, as the last sweep stored them. Empty before the first sweep. */
  competing(): Promise<readonly CompetingSetting[]>;
  /** The time at which the competing settings were stored last. `undefined` before the first sweep. */
  configurationsReadAt(): Promise<Date | undefined>;
}

/** The number of devices in the scope of at least one policy. */
export interface FleetCount {
  readonly devices: number;
  /** When a sweep counted them, ISO 8601. */
  readonly countedAt: string;
  /** False where the number also has devices to which no policy applies, because no query can test the scope of a policy. */
  readonly isExact: boolean;
}

export interface GuardStoreOptions {
  readonly clock?: Clock;
  /** Returns a random number from 0 to 1, which spreads the pauses between attempts. The default is `Math.random`. */
  readonly random?: () => number;
}

/**
 * Maximum bytes in one binary property of an entity. Table Storage allows 64 KiB in a property and 1 MiB in an entity ("Table Storage data
 * model"). This constant and the next one stay below these limits.
 */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 14;

const competingKey = { partitionKey: 'hub!', rowKey: 'competing' };
const fleetKey = { partitionKey: 'hub!', rowKey: 'devices' };
const devicesKey = (policy: string) => ({ partitionKey: policyPartition(policy), rowKey: 'devices' });

/** Creates the guard store in the table `TwinkeeperGuards` of a storage account. */
export function createGuardStore(
  account: StorageAccount,
  { clock = systemClock, random = Math.random }: GuardStoreOptions = {},
): GuardStore {
  const openGuards = once(() => openTable(account, 'TwinkeeperGuards'));
  const countedTwins = new CountedTwins({ table: openGuards, clock, random });

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

  return {
    reserveTwin: (policy, twin, limit) => countedTwins.reserve(policy, twin, limit),
    hasRoomFor: (policy, twin, limit) => countedTwins.hasRoomFor(policy, twin, limit),
    roomFor: (policy, limit) => countedTwins.roomFor(policy, limit),
    release: (policy) => countedTwins.release(policy),
    releasedAt: (policy) => countedTwins.releasedAt(policy),
    releasedUntil: (policy) => countedTwins.releasedUntil(policy),
    removeExpired: (mayContinue) => countedTwins.removeExpired(mayContinue),

    putDeviceCount: (policy, devices) => upsert({ ...devicesKey(policy), devices }),

    async deviceCount(policy) {
      const devices = (await read(devicesKey(policy)))?.devices;
      return typeof devices === 'number' ? devices : undefined;
    },

    putFleetCount: (fleet) => upsert({ ...fleetKey, ...fleet }),

    async fleetCount() {
      const { devices, countedAt, isExact }: Readonly<Record<string, unknown>> = (await read(fleetKey)) ?? {};
      if (typeof devices !== 'number' || typeof countedAt !== 'string') return undefined;
      return { devices, countedAt, isExact: isExact !== false };
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
      await upsert({ ...competingKey, ...properties, readAt: clock.now().toISOString() });
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

    async configurationsReadAt() {
      const readAt = (await read(competingKey))?.readAt;
      return typeof readAt === 'string' ? new Date(readAt) : undefined;
    },
  };
}
