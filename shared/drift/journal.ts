import type { TransactionAction } from '@azure/data-tables';
import { once } from '../once.ts';
import {
  encodeDeviceId,
  ignoreNotFound,
  isEntityNotFound,
  openTable,
  type StorageAccount,
  statusOf,
} from '../storage/index.ts';
import { type DriftRow, isOpen } from './departure.ts';
import { createHistoryIndex } from './history-index.ts';
import { toTransactions } from './journal-transactions.ts';
import { openPrefix, rowKeyPrefixAt } from './keys.ts';
import { type KnownRows, withWritten } from './known-rows.ts';
import { fromEntity } from './row-entity.ts';
import { toWriteSteps } from './write-steps.ts';

/** The source of truth for history rows. Each call concerns one device. A device's rows are one partition. */
export interface Journal {
  /**
   * Reads a device's open rows. With `since` (ISO 8601), also reads all rows of writes at that time or later. Reads one range of one
   * partition, from `open!` to `row!<since>`.
   */
  read(deviceId: string, since?: string): Promise<KnownRows>;
  /**
   * Stores rows together with their open entries.
   *
   * @param known the result of {@link Journal.read}, with all rows that were written after it. A row in `known` must be unchanged in
   * storage. A row that is not in `known` must not exist in storage.
   * @param duplicates `pending` rows to delete, because another known row describes the same departure
   * @returns `conflict` when another process changed the rows after they were read. Some or none of the rows are then stored. The caller
   * must read and decide again.
   */
  write(
    deviceId: string,
    rows: readonly DriftRow[],
    known: KnownRows,
    duplicates?: readonly DriftRow[],
  ): Promise<'written' | 'conflict'>;
}

/** Matches every version of an entity that exists. */
const anyEtag = '*';

/**
 * The journal in the table `TwinkeeperDrift` of a storage account. The journal also updates the history index. Errors of the storage
 * service are thrown unchanged.
 *
 * The order of writes makes a crash at any moment harmless:
 *
 * 1. The device's partition gets the row as `pending`, unless it holds a `pending` row already.
 * 2. The index gets the row with its outcome. A `pending` row is not indexed.
 * 3. The device's partition gets the outcome.
 * 4. The open list loses rows that are over.
 *
 * After a crash, a later pass finds a `pending` row and repeats these steps under the same keys. The open list may name too many rows,
 * and never too few.
 */
export function createJournal(account: StorageAccount, now: () => Date = () => new Date()): Journal {
  const table = once(() => openTable(account, 'TwinkeeperDrift'));
  const index = createHistoryIndex(account, now);
  /** Rows that came from storage. A `pending` row among them was left by an interrupted pass, and may be indexed with an outcome. */
  const readRows = new WeakSet<DriftRow>();

  /** Makes the index agree with the device's partition after a conflict. */
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

  /** Stores one step of {@link toWriteSteps}, in the index first. */
  async function store(deviceId: string, rows: readonly DriftRow[], known: KnownRows): Promise<'written' | 'conflict'> {
    // Pending rows are not indexed: a crash would leave the index wrong.
    const indexed = rows.filter(({ outcome }) => outcome !== 'pending');
    await index.put({ rows: indexed, listed: indexed.filter(isListed) });
    const result = await commit(toTransactions(deviceId, rows, known), known.etags);
    if (result === 'conflict') await repairIndex(deviceId, indexed);
    return result;
  }

  /** Deletes `pending` rows. An interrupted pass may have indexed them, so the index is cleaned first. */
  async function remove(
    deviceId: string,
    rows: readonly DriftRow[],
    known: KnownRows,
  ): Promise<'written' | 'conflict'> {
    await index.remove(rows);
    return commit(toTransactions(deviceId, rows, known, 'delete'), known.etags);
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
      const { odata } = await import('@azure/data-tables');
      const end = since === undefined ? `${openPrefix}~` : `${rowKeyPrefixAt(since)}~`;
      const filter = odata`PartitionKey eq ${encodeDeviceId(deviceId)} and RowKey ge ${openPrefix} and RowKey le ${end}`;
      const open: DriftRow[] = [];
      const recent: DriftRow[] = [];
      const etags = new Map<string, string>();
      for await (const entity of (await table()).listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
        const row = fromEntity(entity);
        const rowKey = entity.rowKey ?? '';
        readRows.add(row);
        etags.set(rowKey, entity.etag);
        if (!rowKey.startsWith(openPrefix)) recent.push(row);
        else {
          open.push(row);
          // The history row of an open entry may be older than `since`, and is then not read. Its ETag is unknown, but the row exists.
          etags.set(row.rowKey, anyEtag);
        }
      }
      // Two open departures can share one open entry after a crash. The second one is found only among the recent rows.
      const withEntry = new Set(open.map(({ rowKey }) => rowKey));
      const withoutEntry = recent.filter((row) => isOpen(row) && !withEntry.has(row.rowKey));
      return { open: [...withoutEntry, ...open], recent, etags };
    },

    async write(deviceId, rows, known, duplicates = []) {
      if (duplicates.length > 0 && (await remove(deviceId, duplicates, known)) === 'conflict') return 'conflict';
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

/** Whether a row belongs in the open list. A `pending` row does not: it is about to be mended. */
function isListed(row: DriftRow): boolean {
  return isOpen(row) && row.outcome !== 'pending';
}

/** Whether another writer was faster: an entity to create exists, or an entity to change was changed or deleted. */
function isConflict(error: unknown): boolean {
  return statusOf(error) === 409 || statusOf(error) === 412 || isEntityNotFound(error);
}
