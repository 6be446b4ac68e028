import { once } from '../../once.ts';
import { ignoreNotFound, openTable, type StorageAccount } from '../../storage/index.ts';
import { createSweepBytes } from './bytes.ts';
import { memoPartition, sweepTable } from './keys.ts';
import { createLeaseStore } from './lease.ts';
import { newSweepRow, type SweepCounts, type SweepRow, type SweepTrigger } from './row.ts';
import { createSweepRows } from './rows.ts';

/** A sweep whose lease this instance holds. */
export interface SweepClaim {
  readonly id: string;
  /** Where the last run of the sweep stopped. Any JSON: only the sweep reads it. `undefined` for a new sweep. */
  readonly checkpoint: unknown;
  readonly row: SweepRow;
  /** Whether an earlier run started this sweep. */
  readonly resumed: boolean;
}

/** A value that one sweep leaves for the next. */
export interface SweepMemo {
  /** When the memo was written, ISO 8601. */
  readonly at: string;
  readonly text: string;
}

/** The table `TwinkeeperSweeps`: the lease of the current sweep with its checkpoint, one row per sweep, and memos. */
export interface SweepStore {
  /**
   * Takes the lease of an unfinished sweep that no instance runs, or else starts a new sweep. With `only`, takes the lease of that sweep or
   * nothing. Returns `undefined` where another instance holds the lease, or where the sweep `only` cannot be resumed.
   */
  claim(request: { readonly trigger: SweepTrigger; readonly only?: string }): Promise<SweepClaim | undefined>;
  /** Saves checkpoint and row, and renews the lease. `lost`: another instance has taken the lease, so the caller must stop. */
  renew(claim: SweepClaim, checkpoint: unknown, row: SweepRow): Promise<'kept' | 'lost'>;
  /** Saves checkpoint and row, and releases the lease. After a row that is not `running`, the next claim starts a new sweep. */
  release(claim: SweepClaim, checkpoint: unknown, row: SweepRow): Promise<'kept' | 'lost'>;
  /**
   * Records the counts of a work item. Where a redelivered message records a work item twice, the larger number of each count wins.
   * `<work item>.<n>` is the nth retry of a work item: its counts are added too, but `partsDone` does not count it.
   */
  recordWorkItem(sweepId: string, workItem: string, counts: SweepCounts): Promise<void>;
  /** Rows of at most `limit` sweeps, newest first, with the counts of their work items. With `after`, only sweeps older than that id. */
  list(limit: number, after?: string): Promise<readonly SweepRow[]>;
  get(id: string): Promise<SweepRow | undefined>;
  /** Saves bytes that must survive an interruption of the sweep. They are removed when the sweep is over. */
  saveBytes(sweepId: string, name: string, bytes: Uint8Array): Promise<void>;
  /** The bytes saved last; `undefined` where there are none, or where the last save was interrupted. */
  loadBytes(sweepId: string, name: string): Promise<Uint8Array | undefined>;
  /** The memo written last under this name. */
  readMemo(name: string): Promise<SweepMemo | undefined>;
  writeMemo(name: string, memo: SweepMemo): Promise<void>;
}

/**
 * Milliseconds after which a lease expires unless it is renewed. Longer than one page of a query usually takes. A run that was slower and
 * lost its lease stops at its next renewal. The next run queues again the work items that the slow run queued since its last renewal.
 */
export const leaseTime = 150_000;

/** The sweeps of a storage account. Errors of the storage service are thrown as they are. */
export function createSweepStore(account: StorageAccount, now: () => Date): SweepStore {
  const table = once(() => openTable(account, sweepTable));
  const leases = createLeaseStore(table);
  const rows = createSweepRows(table, now);
  const bytes = createSweepBytes(table);

  async function save(claim: SweepClaim, checkpoint: unknown, row: SweepRow, until: Date): Promise<'kept' | 'lost'> {
    const state = row.state === 'running' ? 'running' : 'over';
    const lease = { sweepId: claim.id, until: until.toISOString(), state, checkpoint, row } as const;
    if (!(await leases.renew(lease))) return 'lost';
    await rows.put(row);
    return 'kept';
  }

  return {
    async claim({ trigger, only }) {
      const found = await leases.find();
      const time = now();
      const isFree = found === undefined || found.state === 'over' || found.until <= time.toISOString();
      if (!isFree) return undefined;
      const isResumable = found !== undefined && found.state === 'running';
      if (only !== undefined && (!isResumable || found.sweepId !== only)) return undefined;
      const until = new Date(time.getTime() + leaseTime).toISOString();
      if (isResumable) {
        const { checkpoint, sweepId } = found;
        const row = { ...found.row, resumed: found.row.resumed + 1 };
        if (!(await leases.take({ sweepId, until, state: 'running', checkpoint, row }, found))) return undefined;
        await rows.put(row);
        return { id: sweepId, checkpoint, row, resumed: true };
      }
      // The process that ended the last sweep may have died before it wrote the row.
      if (found !== undefined) await rows.put(found.row);
      const row = newSweepRow(trigger, time);
      const lease = { sweepId: row.id, until, state: 'running' as const, checkpoint: undefined, row };
      if (!(await leases.take(lease, found))) return undefined;
      await rows.put(row);
      return { id: row.id, checkpoint: undefined, row, resumed: false };
    },

    renew: (claim, checkpoint, row) => save(claim, checkpoint, row, new Date(now().getTime() + leaseTime)),

    async release(claim, checkpoint, row) {
      const kept = await save(claim, checkpoint, row, new Date(0));
      // A sweep that is over is never resumed, so its bytes are no longer needed.
      if (kept === 'kept' && row.state !== 'running') await bytes.clear(claim.id);
      return kept;
    },

    recordWorkItem: (sweepId, workItem, counts) => rows.recordWorkItem(sweepId, workItem, counts),
    list: (limit, after) => rows.list(limit, after),
    get: (id) => rows.get(id),
    saveBytes: (sweepId, name, saved) => bytes.save(sweepId, name, saved),
    loadBytes: (sweepId, name) => bytes.load(sweepId, name),

    async readMemo(name) {
      const client = await table();
      const entity = await client.getEntity<Record<string, unknown>>(memoPartition, name).catch(ignoreNotFound);
      return entity === undefined ? undefined : { at: String(entity.at), text: String(entity.text) };
    },

    async writeMemo(name, memo) {
      await (await table()).upsertEntity({ partitionKey: memoPartition, rowKey: name, ...memo }, 'Replace');
    },
  };
}
