import { once } from '../../once.ts';
import { ignoreNotFound, openTable, type StorageAccount } from '../../storage/index.ts';
import { type Backfill, type BackfillKey, createBackfills } from './backfills.ts';
import { createSweepBytes } from './bytes.ts';
import { memoPartition, sweepTable } from './keys.ts';
import { createLeaseStore } from './lease.ts';
import { newSweepRow, type SweepCounts, type SweepRow, type SweepTrigger, type SweepVersions } from './row.ts';
import { createSweepRows } from './rows.ts';
import { type BackfillItem, createWorkItems, type QueuedItem, type WorkItem, type WorkItemKey } from './work-items.ts';

/** A sweep whose lease this instance holds. */
export interface SweepClaim {
  readonly id: string;
  /** The checkpoint of the sweep's last run, as any JSON value. The store does not read it. `undefined` for a new sweep. */
  readonly checkpoint: unknown;
  readonly row: SweepRow;
  /** True where an earlier run started this sweep. False for a new sweep. */
  readonly resumed: boolean;
}

/** A value that one sweep stores for the next sweep. */
export interface SweepMemo {
  /** When the memo was written, ISO 8601. */
  readonly at: string;
  readonly text: string;
}

/**
 * Reads and writes the table `TwinkeeperSweeps`: the lease of the current sweep with its checkpoint, one row per sweep, bytes, and memos.
 */
export interface SweepStore {
  /**
   * Takes the lease of an unfinished sweep that no instance runs, or starts a new sweep if there is none. If `only`, a sweep id, is
   * given, takes only the lease of that sweep and never starts a new one. Returns `undefined` when another instance holds the lease, or
   * when the sweep with that id cannot be resumed.
   */
  claim(request: {
    readonly trigger: SweepTrigger;
    readonly only?: string;
    /** What a new sweep names as in force. */
    readonly versions?: SweepVersions;
  }): Promise<SweepClaim | undefined>;
  /** Saves the checkpoint and the row, and renews the lease. `lost`: another instance has taken the lease, so the caller must stop. */
  renew(claim: SweepClaim, checkpoint: unknown, row: SweepRow): Promise<'kept' | 'lost'>;
  /** Saves the checkpoint and the row, and releases the lease. If `row.state` is not `running`, the next claim starts a new sweep. */
  release(claim: SweepClaim, checkpoint: unknown, row: SweepRow): Promise<'kept' | 'lost'>;
  /**
   * Records the counts of a work item. If the queue delivers a message twice, the work item is recorded twice: the larger number of each
   * count is kept. `<work item>.<n>` is the nth retry of a work item. The counts of the retry are added too, but `partsDone` does not count
   * a retry.
   */
  recordWorkItem(sweepId: string, workItem: string, counts: SweepCounts): Promise<void>;
  /** Stores a work item that is about to be put in the queue. Replaces the work item with the same key. */
  putWorkItem(item: WorkItem): Promise<void>;
  /** Returns the work item with this key. `undefined` when the work item is done, or when a later sweep has taken over its devices. */
  workItem(key: WorkItemKey): Promise<QueuedItem | undefined>;
  /** Replaces a work item that is put in the queue again. Does nothing when another process has changed the work item. */
  replaceWorkItem(item: QueuedItem, next: WorkItem): Promise<void>;
  /** Removes a work item that is done or lost. Does nothing when another process has changed the work item. */
  removeWorkItem(item: QueuedItem): Promise<void>;
  /** Returns all work items that are in the queue, of all sweeps. */
  workItems(): Promise<AsyncIterable<QueuedItem>>;
  /** Returns the work items of a backfill that are in the queue. */
  backfillItems(key: BackfillKey): Promise<readonly BackfillItem[]>;
  /** Returns how far a backfill is. `undefined` before its first turn. */
  backfill(key: BackfillKey): Promise<Backfill | undefined>;
  putBackfill(backfill: Backfill): Promise<void>;
  /**
   * Returns the rows of at most `limit` sweeps, newest first, with the counts of their work items. With `after`, returns only sweeps that
   * are older than the sweep with that id.
   */
  list(limit: number, after?: string): Promise<readonly SweepRow[]>;
  get(id: string): Promise<SweepRow | undefined>;
  /** Returns the last sweeps that began before a time and are done, newest first. Without the counts of their work items. */
  doneBefore(time: Date, limit: number): Promise<readonly SweepRow[]>;
  /** Saves bytes that the sweep needs after an interruption. The store removes the bytes when the sweep is over. */
  saveBytes(sweepId: string, name: string, bytes: Uint8Array): Promise<void>;
  /** Returns the bytes that were saved last, or `undefined` where nothing was saved or the last save was interrupted. */
  loadBytes(sweepId: string, name: string): Promise<Uint8Array | undefined>;
  /** Returns the memo that was last written under this name. */
  readMemo(name: string): Promise<SweepMemo | undefined>;
  writeMemo(name: string, memo: SweepMemo): Promise<void>;
}

/**
 * Milliseconds after which a lease expires, if the instance does not renew it. One page of query results usually takes less time. A run
 * that lost its lease stops at its next renewal. The next run queues again the work items that the slow run queued since its last renewal.
 */
export const leaseTime = 150_000;

/** Opens the sweep store of a storage account. The methods throw the errors of the storage service unchanged. */
export function createSweepStore(account: StorageAccount, now: () => Date): SweepStore {
  const table = once(() => openTable(account, sweepTable));
  const leases = createLeaseStore(table);
  const rows = createSweepRows(table, now);
  const bytes = createSweepBytes(table);
  const workItems = createWorkItems(table, now);
  const backfills = createBackfills(table);

  async function save(claim: SweepClaim, checkpoint: unknown, row: SweepRow, until: Date): Promise<'kept' | 'lost'> {
    const state = row.state === 'running' ? 'running' : 'over';
    const lease = { sweepId: claim.id, until: until.toISOString(), state, checkpoint, row } as const;
    if (!(await leases.renew(lease))) return 'lost';
    await rows.put(row);
    return 'kept';
  }

  return {
    async claim({ trigger, only, versions }) {
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
      // Write the row of the last sweep again: the process that ended that sweep may have died before it wrote the row.
      if (found !== undefined) await rows.put(found.row);
      const row = newSweepRow(trigger, time, versions);
      const lease = { sweepId: row.id, until, state: 'running' as const, checkpoint: undefined, row };
      if (!(await leases.take(lease, found))) return undefined;
      await rows.put(row);
      return { id: row.id, checkpoint: undefined, row, resumed: false };
    },

    renew: (claim, checkpoint, row) => save(claim, checkpoint, row, new Date(now().getTime() + leaseTime)),

    async release(claim, checkpoint, row) {
      const kept = await save(claim, checkpoint, row, new Date(0));
      // A sweep that is over is never resumed, so its saved bytes are no longer needed.
      if (kept === 'kept' && row.state !== 'running') await bytes.clear(claim.id);
      return kept;
    },

    recordWorkItem: (sweepId, workItem, counts) => rows.recordWorkItem(sweepId, workItem, counts),
    putWorkItem: (item) => workItems.put(item),
    workItem: (key) => workItems.get(key),
    replaceWorkItem: (item, next) => workItems.replace(item, next),
    removeWorkItem: (item) => workItems.remove(item),
    workItems: async () => workItems.list(),
    backfillItems: (key) => workItems.ofBackfill(key),
    backfill: (key) => backfills.get(key),
    putBackfill: (backfill) => backfills.put(backfill),
    list: (limit, after) => rows.list(limit, after),
    get: (id) => rows.get(id),
    doneBefore: (time, limit) => rows.doneBefore(time, limit),
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
