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
import { type DriftRow, isListed, isOpen } from './departure.ts';
import { createHistoryIndex } from './history-index.ts';
import { toTransactions } from './journal-transactions.ts';
import { type KnownRows, withWritten } from './known-rows.ts';
import { createListingMarks } from './listing-marks.ts';
import { readRows } from './read-device-rows.ts';
import { fromEntity, withLongColumns } from './row-entity.ts';
import { toWriteSteps } from './write-steps.ts';

/**
 * The journal: the table that is the source of truth for history rows. Each call concerns one device. The rows of a device are one
 * partition.
 */
export interface Journal {
  /**
   * Reads the open rows of a device. With `since` (ISO 8601), also reads the rows whose write is not older than `since`. Reads ranges of keys
   * in the device's partition. The number of bytes is limited, however long the history is: see {@link KnownRows}.
   *
   * @param keys Row keys of further rows to read, of any age. Keys without a row are ignored.
   */
  read(deviceId: string, since?: string, keys?: readonly string[]): Promise<KnownRows>;
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
 * 0. An old row that the snapshots of open rows could miss gets a mark: see `listing-marks.ts`.
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
  const marks = createListingMarks(account, now);
  /**
   * Rows that the journal read from storage. A `pending` row among them comes from an interrupted pass. The history index may already hold
   * such a row with another outcome.
   */
  const readRowsBefore = new WeakSet<DriftRow>();

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

  /**
   * Adds the values to rows that were read without them. Returns `undefined` when another process has deleted one of these rows. A row that
   * another process has changed is a conflict later, because its ETag differs.
   */
  async function complete(
    deviceId: string,
    rows: readonly DriftRow[],
    { incomplete }: KnownRows,
  ): Promise<readonly DriftRow[] | undefined> {
    const client = await table();
    const wholeRows: DriftRow[] = [];
    for (const row of rows) {
      if (incomplete?.has(row.rowKey) !== true) {
        wholeRows.push(row);
        continue;
      }
      const stored = await client
        .getEntity<Record<string, unknown>>(encodeDeviceId(deviceId), row.rowKey)
        .then(fromEntity, ignoreNotFound);
      if (stored === undefined) return undefined;
      wholeRows.push(withLongColumns(row, stored));
    }
    return wholeRows;
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
    async read(deviceId, since, keys = []) {
      const known = await readRows(await table(), deviceId, since, keys);
      for (const row of [...known.recent, ...known.open]) readRowsBefore.add(row);
      return known;
    },

    async write(deviceId, rows, known) {
      const wholeRows = await complete(deviceId, rows, known);
      if (wholeRows === undefined) return 'conflict';
      await marks.put(wholeRows, known);
      let current = known;
      for (const step of toWriteSteps(wholeRows, known)) {
        if ((await store(deviceId, step, current)) === 'conflict') return 'conflict';
        current = withWritten(current, step);
      }
      const unlisted = new Set(rows.filter((row) => !isListed(row)).map(({ rowKey }) => rowKey));
      const mayBeListed = (row: DriftRow) => isOpen(row) && (row.outcome !== 'pending' || readRowsBefore.has(row));
      await index.removeFromOpenList(known.open.filter((row) => mayBeListed(row) && unlisted.has(row.rowKey)));
      return 'written';
    },
  };
}

/**
 * Whether the error means that another process wrote first. The entity to create exists already, or the entity to change was changed or
 * deleted.
 */
function isConflict(error: unknown): boolean {
  return statusOf(error) === 409 || statusOf(error) === 412 || isEntityNotFound(error);
}
