import type { TransactionAction } from '@azure/data-tables';
import { bytesPerTransaction, encodeDeviceId, operationBytes, operationsPerTransaction } from '../storage/index.ts';
import { type DriftRow, isOpen } from './departure.ts';
import { headKey, openKey } from './keys.ts';
import type { KnownRows } from './known-rows.ts';
import { toEntity } from './row-entity.ts';

/**
 * Builds the transactions that store rows of one device, together with the open entries of the rows. An update carries the ETag that the
 * journal read. A create fails when the entity exists. A change by another process therefore makes the transaction fail.
 *
 * Each transaction also writes the heads of its modules. The head of a module is an entity that every write of the module's rows changes:
 * see `keys.ts`. A row that another process added after the read therefore makes the transaction fail too, although this process does not
 * know the row.
 *
 * The rows of one property can need several transactions. Each of these transactions also sets the open entry of the property to the last
 * open row that is stored until then. A crash between two transactions therefore leaves an entry that agrees with the stored rows.
 *
 * The caller must store each transaction, and update `known.etags`, before it asks for the next one.
 */
export function* toTransactions(
  deviceId: string,
  rows: readonly DriftRow[],
  known: KnownRows,
): Generator<TransactionAction[]> {
  const partitionKey = encodeDeviceId(deviceId);
  const toRemoval = (rowKey: string): TransactionAction => ['delete', { partitionKey, rowKey }];
  const toStore = (row: DriftRow, rowKey: string): TransactionAction => {
    const etag = known.etags.get(rowKey);
    const entity = toEntity(row, rowKey);
    return etag === undefined ? ['create', entity] : ['update', entity, 'Replace', { etag }];
  };
  const toEntryActions = (entry: Entry, changedCount: number): readonly TransactionAction[] => {
    const row = rowOfEntry(entry, changedCount);
    if (row !== undefined) return [toStore(row, entry.key)];
    return known.etags.has(entry.key) ? [toRemoval(entry.key)] : [];
  };
  const bytesOf = (row: DriftRow) => operationBytes(toStore(row, row.rowKey));

  const toHead = (moduleId: string): TransactionAction => {
    const head = { partitionKey, rowKey: headKey(moduleId), v: 1 };
    const etag = known.etags.get(head.rowKey);
    return etag === undefined ? ['create', head] : ['update', head, 'Replace', { etag }];
  };
  let actions: TransactionAction[] = [];
  let modules = new Set<string>();
  let bytes = 0;
  /** Whether the transaction has room for this many further operations and bytes. An empty transaction takes any operation. */
  const hasRoom = (count: number, size: number) =>
    actions.length === 0 ||
    (modules.size + 1 + actions.length + count <= operationsPerTransaction && bytes + size <= bytesPerTransaction);
  /** Ends the transaction, and begins the next one. */
  const endTransaction = (last: readonly TransactionAction[] = []): TransactionAction[] => {
    const ended = [...[...modules].map(toHead), ...actions, ...last];
    actions = [];
    modules = new Set();
    bytes = 0;
    return ended;
  };
  for (const entry of entriesOf(rows, known)) {
    // The entry becomes a copy of one of these rows.
    const sizes = entry.rows.map(bytesOf);
    const entryBytes = Math.max(...sizes, ...[...entry.earlier.values(), ...entry.others].filter(isOpen).map(bytesOf));
    const allBytes = sizes.reduce((sum, size) => sum + size, entryBytes);
    // The rows of one property stay together where possible, so that as few crashes as possible separate them.
    if (!hasRoom(entry.rows.length + 1, allBytes)) {
      yield endTransaction();
    }
    for (const [index, row] of entry.rows.entries()) {
      const size = sizes[index] ?? 0;
      if (!hasRoom(2, size + entryBytes)) {
        yield endTransaction(toEntryActions(entry, index));
      }
      actions.push(toStore(row, row.rowKey));
      modules.add(row.moduleId);
      bytes += size;
    }
    actions.push(...toEntryActions(entry, entry.rows.length));
    bytes += entryBytes;
  }
  if (actions.length > 0) yield endTransaction();
}

/** An open entry of the journal, and the rows that share the entry. */
interface Entry {
  readonly key: string;
  /** The rows to store. */
  readonly rows: readonly DriftRow[];
  /** The stored state of the rows in `rows`, by row key. A new row has no stored state. */
  readonly earlier: ReadonlyMap<string, DriftRow>;
  /** The open rows that share the entry and stay unchanged. */
  readonly others: readonly DriftRow[];
}

function entriesOf(rows: readonly DriftRow[], { open, recent, incomplete }: KnownRows): readonly Entry[] {
  // An open entry is a copy of a whole row.
  const isWhole = ({ rowKey }: DriftRow) => incomplete?.has(rowKey) !== true;
  const changed = new Set(rows.map(({ rowKey }) => rowKey));
  const earlier = new Map(
    [...recent, ...open].filter((row) => changed.has(row.rowKey) && isWhole(row)).map((row) => [row.rowKey, row]),
  );
  const others = Map.groupBy(
    open.filter((row) => !changed.has(row.rowKey) && isWhole(row)),
    openKey,
  );
  return [...Map.groupBy(rows, openKey)].map(([key, rowsOfEntry]) => ({
    key,
    rows: rowsOfEntry,
    earlier: new Map(
      rowsOfEntry.flatMap(({ rowKey }) => {
        const row = earlier.get(rowKey);
        return row === undefined ? [] : [[rowKey, row] as const];
      }),
    ),
    others: others.get(key) ?? [],
  }));
}

/**
 * The row that the open entry holds after the first `changedCount` rows of the entry are stored: the last row that is then open.
 * `undefined` when no row is open.
 */
function rowOfEntry({ rows, earlier, others }: Entry, changedCount: number): DriftRow | undefined {
  const stored = rows.flatMap((row, index) => (index < changedCount ? row : (earlier.get(row.rowKey) ?? [])));
  return stored.findLast(isOpen) ?? others.at(-1);
}
