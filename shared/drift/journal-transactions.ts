import type { TransactionAction } from '@azure/data-tables';
import { encodeDeviceId } from '../storage/index.ts';
import { type DriftRow, isOpen } from './departure.ts';
import { openKey } from './keys.ts';
import type { KnownRows } from './known-rows.ts';
import { toEntity } from './row-entity.ts';

/**
 * Half of the 100 operations that a transaction may hold ("Performing entity group transactions", Table Storage). A row needs two
 * operations: one for the row, one for its open entry.
 */
const rowsPerTransaction = 50;
/** Maximum bytes of entities in a transaction. Table Storage allows 4 MiB. */
const bytesPerTransaction = 3_000_000;

/**
 * The transactions that store or delete these rows together with their open entries. Updates carry the known ETag, and creates fail when
 * the entity exists. A change by another writer therefore fails the transaction.
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
    // Several departures can share one open entry. The entry then holds the last open one.
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
