import type { TransactionAction } from '@azure/data-tables';
import { encodeDeviceId } from '../storage/index.ts';
import { type DriftRow, isOpen } from './departure.ts';
import { headKey, openKey } from './keys.ts';
import type { KnownRows } from './known-rows.ts';
import { toEntity } from './row-entity.ts';

/** Maximum number of operations in one transaction. Source: "Performing entity group transactions", Table Storage. */
const operationsPerTransaction = 100;
/** Maximum bytes of entities in one transaction. Table Storage allows 4 MiB. */
const bytesPerTransaction = 3_000_000;

/**
 * Builds the transactions that store rows of one device, together with the open entries of the rows. An update carries the ETag
 * that the journal read. A create fails when the entity exists. A change by another process therefore makes the transaction fail.
 *
 * Each transaction also writes the heads of its modules. A row that another process added after the read therefore makes the transaction
 * fail too, although this process does not know the row.
 */
export function* toTransactions(
  deviceId: string,
  rows: readonly DriftRow[],
  { open, etags }: KnownRows,
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
  const toHead = (moduleId: string): TransactionAction => {
    const head = { partitionKey, rowKey: headKey(moduleId), v: 1 };
    const etag = etags.get(head.rowKey);
    return etag === undefined ? ['create', head] : ['update', head, 'Replace', { etag }];
  };
  let actions: TransactionAction[] = [];
  let modules = new Set<string>();
  let bytes = 0;
  for (const [entryKey, rowsOfEntry] of byOpenKey) {
    // Several rows can share one open entry. The entry then holds the last row that is open.
    const entryRow = rowsOfEntry.findLast(isOpen) ?? unchangedOpen.get(entryKey)?.at(-1);
    const next = rowsOfEntry.map((row) => toStore(row, row.rowKey));
    if (entryRow !== undefined) next.push(toStore(entryRow, entryKey));
    else if (etags.has(entryKey)) next.push(toRemoval(entryKey));
    const size = 2 * JSON.stringify(next).length;
    const operations = actions.length + next.length + modules.size + 1;
    const isFull = operations > operationsPerTransaction || bytes + size > bytesPerTransaction;
    if (actions.length > 0 && isFull) {
      yield [...[...modules].map(toHead), ...actions];
      actions = [];
      modules = new Set();
      bytes = 0;
    }
    actions.push(...next);
    for (const { moduleId } of rowsOfEntry) modules.add(moduleId);
    bytes += size;
  }
  if (actions.length > 0) yield [...[...modules].map(toHead), ...actions];
}
