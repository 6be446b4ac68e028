import type { TransactionAction } from '@azure/data-tables';
import { once } from '../once.ts';
import {
  encodeDeviceId,
  endOfPrefix,
  ignoreNotFound,
  isEntityNotFound,
  loadFilterTag,
  openTable,
  type StorageAccount,
  statusOf,
} from '../storage/index.ts';
import { type DriftRow, isOpen } from './departure.ts';
import { createHistoryIndex } from './history-index.ts';
import { toTransactions } from './journal-transactions.ts';
import { headPrefix, openPrefix, rowKeyPrefixAt } from './keys.ts';
import { type KnownRows, withWritten } from './known-rows.ts';
import { fromEntity } from './row-entity.ts';
import { toWriteSteps } from './write-steps.ts';

/**
 * The journal: the table that is the source of truth for history rows. Each call concerns one device. The rows of a device are one
 * partition.
 */
export interface Journal {
  /**
   * Reads the open rows of a device. With `since` (ISO 8601), also reads all rows whose write is not older than `since`. Reads one range of
   * keys in the device's partition, from `head!` to `row!<since>`.
   */
  read(deviceId: string, since?: string): Promise<KnownRows>;
  /**
   * Stores rows together with their open entries.
   *
   * @param known The result of {@link Journal.read}, with all rows that were written after that read. Each row in `known` must be unchanged
   * in storage. A row that is not in `known` must not exist in storage.
   * @returns `conflict` when another process changed or added rows of the same modules after the read. Storage then holds some or none of
   * the rows. The caller must read the rows again and decide again.
   */
  write(deviceId: string, rows: readonly DriftRow[], known: KnownRows): Promise<'written' | 'conflict'>;
}

/** The ETag that matches every version of an existing entity. */
const anyEtag = '*';

/**
 * Creates the journal in the table `TwinkeeperDrift` of a storage account. The journal also updates the history index, which is the
 * timeline and the open list. Errors of the storage service are thrown unchanged.
 *
 * The order of writes makes a crash at any moment harmless:
 *
 * 1. The table of the journal gets the row as `pending`, unless the table holds a `pending` row already.
 * 2. The history index gets the row with its outcome. The index never gets a `pending` row.
 * 3. The table of the journal gets the row with its outcome.
 * 4. The open list loses the rows that are over.
 *
 * After a crash, a later pass finds the `pending` row and repeats these steps under the same keys. The open list may then hold rows that
 * are over. The open list never misses a row that is open and has an outcome other than `pending`.
 */
export function createJournal(account: StorageAccount, now: () => Date = () => new Date()): Journal {
  const table = once(() => openTable(account, 'TwinkeeperDrift'));
  const index = createHistoryIndex(account, now);
  /**
   * Rows that the journal read from storage. A `pending` row among them comes from an interrupted pass. The history index may already hold
   * such a row with another outcome.
   */
  const readRows = new WeakSet<DriftRow>();

  /** Makes the history index agree with the device's rows in the journal. Used after a conflict with another process. */
  async function repairIndex(deviceId: string, rows: readonly DriftRow[]): Promise<void> {
    const client = await table();
    for (const row of rows) {
      const stored = await client
        .getEntity<Record<string, unknown>>(encodeDeviceId(deviceId), row.rowKey)
        .then(fromEntity, ignoreNotFound);
      if (stored?.detectedAt !== row.detectedAt) await index.remove([row]);
      if (stored === undefined) continue;
      await index.put({ rows: stored.outcome === 'pending' ? [] : [stored], listed: [stored].filter(isListed) });
      if (!isListed(stored)) await index.removeFromOpenList([stored]);
    }
  }

  /** Stores the rows of one step of {@link toWriteSteps}, first in the history index and then in the journal. */
  async function store(deviceId: string, rows: readonly DriftRow[], known: KnownRows): Promise<'written' | 'conflict'> {
    // A `pending` row is not indexed. A crash would otherwise leave a wrong row in the history index.
    const indexed = rows.filter(({ outcome }) => outcome !== 'pending');
    await index.put({ rows: indexed, listed: indexed.filter(isListed) });
    const result = await commit(toTransactions(deviceId, rows, known), known.etags);
    if (result === 'conflict') await repairIndex(deviceId, indexed);
    return result;
  }

  async function commit(
    transactions: Iterable<TransactionAction[]>,
    etags: Map<string, string>,
  ): Promise<'written' | 'conflict'> {
    const client = await table();
    try {
      for (const actions of transactions) {
        const { subResponses } = await client.submitTransaction(actions);
        for (const [position, [type, { rowKey }]] of actions.entries()) {
          if (type === 'delete') etags.delete(rowKey);
          else etags.set(rowKey, subResponses[position]?.etag ?? anyEtag);
        }
      }
      return 'written';
    } catch (error) {
      if (!isConflict(error)) throw error;
      return 'conflict';
    }
  }

  return {
    async read(deviceId, since) {
      const odata = await loadFilterTag();
      const end = endOfPrefix(since === undefined ? openPrefix : rowKeyPrefixAt(since));
      const filter = odata`PartitionKey eq ${encodeDeviceId(deviceId)} and RowKey ge ${headPrefix} and RowKey lt ${end}`;
      const open: DriftRow[] = [];
      const recent: DriftRow[] = [];
      const etags = new Map<string, string>();
      for await (const entity of (await table()).listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
        const rowKey = entity.rowKey ?? '';
        etags.set(rowKey, entity.etag);
        if (rowKey.startsWith(headPrefix)) continue;
        const row = fromEntity(entity);
        readRows.add(row);
        if (!rowKey.startsWith(openPrefix)) recent.push(row);
        else {
          open.push(row);
          // The history row of an open entry may be older than `since`. Such a row is not read, so its ETag is unknown. But the row exists.
          etags.set(row.rowKey, anyEtag);
        }
      }
      // After a crash, two open rows can share one open entry. The row that the entry does not name is then found among the recent rows.
      const withEntry = new Set(open.map(({ rowKey }) => rowKey));
      const withoutEntry = recent.filter((row) => isOpen(row) && !withEntry.has(row.rowKey));
      return { open: [...withoutEntry, ...open], recent, etags };
    },

    async write(deviceId, rows, known) {
      let current = known;
      for (const step of toWriteSteps(rows, known)) {
        if ((await store(deviceId, step, current)) === 'conflict') return 'conflict';
        current = withWritten(current, step);
      }
      const unlisted = new Set(rows.filter((row) => !isListed(row)).map(({ rowKey }) => rowKey));
      const mayBeListed = (row: DriftRow) => isOpen(row) && (row.outcome !== 'pending' || readRows.has(row));
      await index.removeFromOpenList(known.open.filter((row) => mayBeListed(row) && unlisted.has(row.rowKey)));
      return 'written';
    },
  };
}

/** Whether the row belongs in the open list. A `pending` row does not belong there, because Twinkeeper is about to repair the drift. */
function isListed(row: DriftRow): boolean {
  return isOpen(row) && row.outcome !== 'pending';
}

/**
 * Whether the error means that another process wrote first. The entity to create exists already, or the entity to change was changed or
 * deleted.
 */
function isConflict(error: unknown): boolean {
  return statusOf(error) === 409 || statusOf(error) === 412 || isEntityNotFound(error);
}
