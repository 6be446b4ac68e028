import type { TableClient } from '@azure/data-tables';
import { ignoreNotFound, joinText, splitText, statusOf } from '../../storage/index.ts';
import { leaseKey } from './keys.ts';
import type { SweepRow } from './row.ts';

/** The lease of the current sweep. The instance that holds the lease runs the sweep. */
export interface SweepLease {
  readonly sweepId: string;
  /** When the lease expires, ISO 8601. */
  readonly until: string;
  /** `over`: the sweep has ended. The next claim starts a new sweep. */
  readonly state: 'running' | 'over';
  /** The checkpoint at which the next run resumes the sweep, as any JSON value. Stored under the name `place`. */
  readonly checkpoint: unknown;
  readonly row: SweepRow;
}

/** A lease as it was read from the table. If two instances replace the same lease, the ETag lets only the first one succeed. */
export interface StoredLease extends SweepLease {
  readonly etag: string;
}

/** Reads and writes the lease. There is only one. */
export interface LeaseStore {
  find(): Promise<StoredLease | undefined>;
  /**
   * Writes the lease and returns true. If another instance has written the lease since `found` was read, writes nothing and returns false.
   */
  take(lease: SweepLease, found: StoredLease | undefined): Promise<boolean>;
  /**
   * Writes the lease and returns true. If another instance has taken the lease, or this store never took it, writes nothing and returns
   * false.
   */
  renew(lease: SweepLease): Promise<boolean>;
}

/** Keeps the lease in the table `TwinkeeperSweeps`, as one entity. */
export function createLeaseStore(table: () => Promise<TableClient>): LeaseStore {
  /** By sweep id: the ETag of this store's last write of the lease. */
  const etags = new Map<string, string>();

  async function write(lease: SweepLease, etag: string | undefined): Promise<boolean> {
    const client = await table();
    const { checkpoint, row, ...plain } = lease;
    const entity = { ...leaseKey, ...plain, ...splitText('text', JSON.stringify({ place: checkpoint, row })) };
    try {
      const answer =
        etag === undefined ? await client.createEntity(entity) : await client.updateEntity(entity, 'Replace', { etag });
      etags.set(lease.sweepId, String(answer.etag));
      return true;
    } catch (error) {
      if (statusOf(error) === 409 || statusOf(error) === 412) return false;
      throw error;
    }
  }

  return {
    async find() {
      const { partitionKey, rowKey } = leaseKey;
      const entity = await (await table())
        .getEntity<Record<string, unknown>>(partitionKey, rowKey)
        .catch(ignoreNotFound);
      return entity === undefined ? undefined : toLease(entity);
    },

    take: (lease, found) => write(lease, found?.etag),

    async renew(lease) {
      const etag = etags.get(lease.sweepId);
      return etag === undefined ? false : write(lease, etag);
    },
  };
}

function toLease(entity: Readonly<Record<string, unknown>>): StoredLease {
  const { place, row } = JSON.parse(joinText('text', entity) ?? '') as {
    readonly place?: unknown;
    readonly row: SweepRow;
  };
  return {
    sweepId: String(entity.sweepId),
    until: String(entity.until),
    state: entity.state === 'running' ? 'running' : 'over',
    checkpoint: place,
    row,
    etag: String(entity.etag),
  };
}
