import type { TransactionAction } from '@azure/data-tables';
import { encodeDeviceId } from '../storage/index.ts';
import { type DriftRow, isOpen } from './departure.ts';
import { openKey } from './keys.ts';
import type { KnownRows } from './known-rows.ts';
import { toEntity } from './row-entity.ts';

/**
 * Maximum number of rows in one transaction of the journal. A row needs two operations: one for the row, and one for its open entry. Table
 * Storage allows 100 operations ("Performing entity group transactions", Table Storage).
 */
const rowsPerTransaction = 50;
/** Maximum bytes of entities in one transaction. Table Storage allows 4 MiB. */
const bytesPerTransaction = 3_000_000;

/**
 * Builds the transactions that store or delete rows of one device, together with the open entries of the rows. An update carries the ETag
 * that the journal read. A create fails when the entity exists. A change by another process therefore makes the transaction fail.
 */
export function* toTransactions(
  deviceId: string,
  rows: readonly DriftRow[],
  { open, etags }: KnownRows,
  change: 'store' | 'delete' = 'store',
): Generator<TransactionAction[]> {
  const partitionKey = encodeDeviceId(deviceId);
  const toRemoval = (rowKey: string): TransactionAction => ['delete', { partitionKey, rowKey }];
  const toStore = (row: DriftRow, rowKey: string): TransactionAction => {
    const etag = etags.get(rowKey);
    const entity = toEntity(row, rowKey);
    return etag === undefined ? ['create', entity] : ['update', entity, 'Replace', { etag }];
  };

  const byOpenKey = Map.groupBy(rows, openKey);
  const changed = new Set(rows.map(({ rowKey }) => rowKey));
  const unchangedOpen = Map.groupBy(
    open.filter(({ rowKey }) => !changed.has(rowKey)),
    openKey,
  );
  let actions: TransactionAction[] = [];
  let rowCount = 0;
  let bytes = 0;
  for (const [entryKey, rowsOfEntry] of byOpenKey) {
    const stored = change === 'store' ? rowsOfEntry : [];
    // Several rows can share one open entry. The entry then holds the last row that is open.
    const entryRow = stored.findLast(isOpen) ?? unchangedOpen.get(entryKey)?.at(-1);
    const next = rowsOfEntry.map((row) => (change === 'store' ? toStore(row, row.rowKey) : toRemoval(row.rowKey)));
    if (entryRow !== undefined) next.push(toStore(entryRow, entryKey));
    else if (etags.has(entryKey)) next.push(toRemoval(entryKey));
    const size = 2 * JSON.stringify(next).length;
    const isFull = rowCount + rowsOfEntry.length > rowsPerTransaction || bytes + size > bytesPerTransaction;
    if (actions.length > 0 && isFull) {
      yield actions;
      actions = [];
      rowCount = 0;
      bytes = 0;
    }
    actions.push(...next);
    rowCount += rowsOfEntry.length;
    bytes += size;
  }
  if (actions.length > 0) yield actions;
}
