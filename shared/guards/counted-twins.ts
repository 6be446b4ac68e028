import type { TableClient, TransactionAction } from '@azure/data-tables';
import type { Clock } from '../clock.ts';
import {
  encodeDeviceId,
  GroupCommit,
  isEntityNotFound,
  loadFilterTag,
  statusOf,
  type TableChange,
} from '../storage/index.ts';
import {
  fromWindowText,
  minuteOf,
  type TwinWindow,
  toWindowText,
  twinsIn,
  withinHour,
  withoutTwins,
  withTwins,
} from './twin-window.ts';

/** The ids of a twin. `moduleId` is `''` for a device twin. */
export interface TwinIds {
  readonly deviceId: string;
  readonly moduleId: string;
}

export interface CountedTwinsDependencies {
  /** Opens the table `TwinkeeperGuards`. */
  readonly table: () => Promise<TableClient>;
  readonly clock: Clock;
  /** Returns a random number from 0 to 1, which spreads the pauses between attempts. */
  readonly random: () => number;
}

/** One call of {@link CountedTwins.reserve} that waits for its result. */
interface Reservation {
  readonly twin: TwinIds;
  readonly limit: number;
  readonly resolve: (granted: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** The stored count of a policy at one time. */
interface PolicyCount {
  readonly window: TwinWindow;
  readonly releasedAt: Date | undefined;
  readonly isReleased: boolean;
  readonly etag: string | undefined;
  readonly now: Date;
}

/** Milliseconds after the release of a policy for which the policy has no limit. */
const releaseTime = 60 * 60_000;
/**
 * Maximum number of failed updates in a row. An update fails when another instance of the app was faster, so many instances need many
 * attempts.
 */
const maxAttempts = 60;
/** Maximum pause between two attempts to update a count, in milliseconds. */
const maxPause = 500;
/** A transaction of Table Storage has at most 100 entities. One of them is the count of the policy. */
const twinsPerTransaction = 99;

/** The partition of a policy. It holds the count of the policy, an entity for each counted twin, and the number of the policy's devices. */
export const policyPartition = (policy: string) => `policy!${encodeDeviceId(policy)}`;
/** The entity with the count of a policy: the twins in each minute of the last hour, and the last release. */
const countRowKey = 'overwrites';
const twinPrefix = 'twin!';

/**
 * The twins that each policy has changed in the last hour, in Table Storage. All instances of the app share the counts, and the counts
 * survive a restart. The count of a policy and the entities of its twins change in one transaction.
 */
export class CountedTwins {
  readonly #dependencies: CountedTwinsDependencies;
  /** Waiting reservations, by policy. A policy has an entry in the map while its reservations are processed. */
  readonly #waiting = new Map<string, Reservation[]>();

  constructor(dependencies: CountedTwinsDependencies) {
    this.#dependencies = dependencies;
  }

  /** See `GuardStore.reserveTwin`. Reservations of a policy that arrive during an update wait, and share the next update. */
  reserve(policy: string, twin: TwinIds, limit: number): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const reservation = { twin, limit, resolve, reject };
    const queue = this.#waiting.get(policy);
    if (queue === undefined) {
      this.#waiting.set(policy, [reservation]);
      void this.#processReservations(policy);
    } else queue.push(reservation);
    return promise;
  }

  /** See `GuardStore.hasRoomFor`. */
  async hasRoomFor(policy: string, twin: TwinIds, limit: number): Promise<boolean> {
    const { window, isReleased } = await this.#readCount(policy);
    if (isReleased || twinsIn(window) < limit) return true;
    const counted = await this.#countedMinutes(policy, [twinRowKey(twin)]);
    return [...counted.values()].some((minute) => window.has(minute));
  }

  /** See `GuardStore.roomFor`. */
  async roomFor(policy: string, limit: number): Promise<number> {
    const { window, isReleased } = await this.#readCount(policy);
    return isReleased ? Number.POSITIVE_INFINITY : Math.max(0, limit - twinsIn(window));
  }

  /** See `GuardStore.release`. */
  async release(policy: string): Promise<Date> {
    const now = this.#dependencies.clock.now();
    // The new entity has no twins, so the count starts again at 0. An update of the count at the same time fails, because the ETag has
    // changed. The retry of that update then reads the release.
    const entity = { partitionKey: policyPartition(policy), rowKey: countRowKey, releasedAt: now.toISOString() };
    await (await this.#dependencies.table()).upsertEntity(entity, 'Replace');
    return new Date(now.getTime() + releaseTime);
  }

  /** See `GuardStore.releasedAt`. */
  async releasedAt(policy: string): Promise<Date | undefined> {
    return (await this.#readCount(policy)).releasedAt;
  }

  /** See `GuardStore.releasedUntil`. */
  async releasedUntil(policy: string): Promise<Date | undefined> {
    const { releasedAt, isReleased } = await this.#readCount(policy);
    return releasedAt !== undefined && isReleased ? new Date(releasedAt.getTime() + releaseTime) : undefined;
  }

  /** See `GuardStore.removeExpired`. */
  async removeExpired(mayContinue: () => boolean): Promise<{ readonly isUnfinished: boolean }> {
    const { table, clock } = this.#dependencies;
    const [client, odata] = [await table(), await loadFilterTag()];
    const oldest = minuteOf(clock.now()) - 120;
    const filter = odata`RowKey ge ${twinPrefix} and RowKey lt ${`${twinPrefix}~~~`} and minute lt ${oldest}`;
    const select = ['partitionKey', 'rowKey'];
    const removal = new GroupCommit(table);
    for await (const page of client.listEntities({ queryOptions: { filter, select } }).byPage({ maxPageSize: 100 })) {
      if (page.length > 0 && !mayContinue()) return { isUnfinished: true };
      await removal.apply(
        page.map(({ partitionKey = '', rowKey = '' }): TableChange => ({ type: 'delete', partitionKey, rowKey })),
      );
    }
    return { isUnfinished: false };
  }

  /** Processes the reservations of a policy until no reservation waits. */
  async #processReservations(policy: string): Promise<void> {
    // The first update waits for the remaining calls of `reserve` in the same turn of the event loop, so that these calls share the update.
    await Promise.resolve();
    for (;;) {
      const waiting = this.#waiting.get(policy) ?? [];
      if (waiting.length === 0) break;
      const batch = waiting.slice(0, twinsPerTransaction);
      this.#waiting.set(policy, waiting.slice(twinsPerTransaction));
      try {
        const granted = await this.#grant(policy, batch);
        for (const [index, reservation] of batch.entries()) reservation.resolve(granted[index] ?? false);
      } catch (error) {
        for (const reservation of batch) reservation.reject(error);
      }
    }
    this.#waiting.delete(policy);
  }

  /**
   * Answers the waiting reservations of one policy, in their order. Reads the count and the twins, and updates both in one transaction.
   * Tries again when another instance of the app changed the count in between.
   */
  async #grant(policy: string, reservations: readonly Reservation[]): Promise<readonly boolean[]> {
    const { clock, random } = this.#dependencies;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const count = await this.#readCount(policy);
      if (count.isReleased) return reservations.map(() => true);
      const counted = await this.#countedMinutes(
        policy,
        reservations.map(({ twin }) => twinRowKey(twin)),
      );
      const before = twinsIn(count.window);
      const added = new Set<string>();
      /** Twins that were counted in an earlier minute of the hour. The hour of such a twin begins again. */
      const moved = new Map<string, number>();
      const granted = reservations.map(({ twin, limit }) => {
        const key = twinRowKey(twin);
        const minute = counted.get(key);
        if (minute !== undefined && count.window.has(minute)) {
          if (minute < minuteOf(count.now)) moved.set(key, minute);
          return true;
        }
        if (added.has(key)) return true;
        if (before + added.size >= limit) return false;
        added.add(key);
        return true;
      });
      if (added.size + moved.size === 0 || (await this.#store(policy, count, added, moved))) return granted;
      await clock.sleep(random() * Math.min(maxPause, 10 * 2 ** attempt));
    }
    throw new Error(
      `The twins of policy ${policy} could not be counted: other instances changed the count ${maxAttempts} times in a row.`,
    );
  }

  async #readCount(policy: string): Promise<PolicyCount> {
    const stored = await this.#read(policyPartition(policy), countRowKey);
    const now = this.#dependencies.clock.now();
    const releasedAt = typeof stored?.releasedAt === 'string' ? new Date(stored.releasedAt) : undefined;
    const minutes = typeof stored?.minutes === 'string' ? fromWindowText(stored.minutes) : new Map<number, number>();
    return {
      window: withinHour(minutes, now),
      releasedAt,
      isReleased: releasedAt !== undefined && now.getTime() < releasedAt.getTime() + releaseTime,
      etag: typeof stored?.etag === 'string' ? stored.etag : undefined,
      now,
    };
  }

  /** The minute in which each twin was counted last, by row key. A twin that was never counted has no entry. */
  async #countedMinutes(policy: string, rowKeys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const partition = policyPartition(policy);
    const minutes = await Promise.all(
      [...new Set(rowKeys)].map(async (rowKey) => [rowKey, (await this.#read(partition, rowKey))?.minute] as const),
    );
    return new Map(minutes.flatMap(([rowKey, minute]) => (typeof minute === 'number' ? [[rowKey, minute]] : [])));
  }

  async #read(partitionKey: string, rowKey: string) {
    try {
      return await (await this.#dependencies.table()).getEntity<Record<string, unknown>>(partitionKey, rowKey);
    } catch (error) {
      if (isEntityNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Stores the count with some twins added, and with other twins moved from an earlier minute to the current minute. Returns false when
   * another process changed the count after it was read.
   *
   * @param added Row keys of twins.
   * @param moved The earlier minute of each twin, by row key.
   */
  async #store(
    policy: string,
    { window, releasedAt, etag, now }: PolicyCount,
    added: ReadonlySet<string>,
    moved: ReadonlyMap<string, number>,
  ): Promise<boolean> {
    const partitionKey = policyPartition(policy);
    const twins = [...added, ...moved.keys()];
    const count = {
      partitionKey,
      rowKey: countRowKey,
      minutes: toWindowText(withTwins(withoutTwins(window, [...moved.values()]), twins.length, now)),
      ...(releasedAt === undefined ? {} : { releasedAt: releasedAt.toISOString() }),
    };
    const actions: TransactionAction[] = [
      etag === undefined ? ['create', count] : ['update', count, 'Replace', { etag }],
      ...twins.map(
        (rowKey): TransactionAction => ['upsert', { partitionKey, rowKey, minute: minuteOf(now) }, 'Replace'],
      ),
    ];
    try {
      await (await this.#dependencies.table()).submitTransaction(actions);
      return true;
    } catch (error) {
      // Another process created, changed or deleted the count.
      const status = statusOf(error);
      if (status === 409 || status === 412 || isEntityNotFound(error)) return false;
      throw error;
    }
  }
}

/** The row key of a counted twin. An encoded id has no `!`, so different twins have different keys. */
function twinRowKey({ deviceId, moduleId }: TwinIds): string {
  return `${twinPrefix}${encodeDeviceId(deviceId)}!${encodeDeviceId(moduleId)}`;
}
