import type { TableClient } from '@azure/data-tables';
import { ignoreNotFound, joinText, splitText, statusOf } from '../../storage/index.ts';
import { leaseKey } from './keys.ts';
import type { SweepRow } from './row.ts';

/** The lease of a sweep: the instance that holds the lease runs the sweep. */
export interface SweepLease {
  readonly sweepId: string;
  /** When the lease expires, ISO 8601. */
  readonly until: string;
  /** `over`: the sweep has ended, and the next claim starts a new one. */
  readonly state: 'running' | 'over';
  /** Where the sweep resumes, as JSON. Stored as `place`. */
  readonly checkpoint: unknown;
  readonly row: SweepRow;
}

/** A lease as read from the table. The ETag makes sure that only one instance replaces it. */
export interface StoredLease extends SweepLease {
  readonly etag: string;
}

/** Reads and writes the one lease. */
export interface LeaseStore {
  find(): Promise<StoredLease | undefined>;
  /** Writes the lease unless another instance has written one since `found` was read. Returns whether the lease was written. */
  take(lease: SweepLease, found: StoredLease | undefined): Promise<boolean>;
  /** Writes the lease unless another instance has taken it, or this store never took it. Returns whether the lease was written. */
  renew(lease: SweepLease): Promise<boolean>;
}

/** The lease in the table of sweeps: one entity, read by its key. */
export function createLeaseStore(table: () => Promise<TableClient>): LeaseStore {
  /** The ETag of the last write of each lease that this store took, by sweep id. */
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
