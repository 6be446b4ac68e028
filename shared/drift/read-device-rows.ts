import type { TableClient, TableEntityResult } from '@azure/data-tables';
import { encodeDeviceId, endOfPrefix, loadFilterTag } from '../storage/index.ts';
import { type DriftRow, isOpen } from './departure.ts';
import { headPrefix, openPrefix, rowKeyPrefixAt, rowPrefix } from './keys.ts';
import type { KnownRows } from './known-rows.ts';
import { fromEntity, shortColumns } from './row-entity.ts';

type Entity = TableEntityResult<Record<string, unknown>>;

/**
 * Maximum number of rows that a pass reads in order, the newest first. When there are more rows, the pass reads only some of the older
 * rows.
 */
const maxRows = 1000;
/** Number of rows in one response. Few devices have more rows in the time that a pass needs. */
const rowsPerRequest = 250;
/** Maximum number of rows with a given key in one request. The keys are part of the address, whose length is limited. */
const keysPerRequest = 15;
/**
 * Maximum number of rows of each kind that are read a second time, with all their columns: rows of interrupted passes, and rows about
 * missing modules. A row has at most about 100 KB.
 */
const maxWholeRows = 10;

/**
 * Reads the rows of a device that a pass needs. The number of bytes is limited, however long the history is: closed rows are read without
 * their values, and at most {@link maxRows} rows are read in order. When there are more rows, only those older rows are read that the
 * caller names, and those that guards and interrupted passes need.
 *
 * @param since ISO 8601. Without `since`, only the open rows and the rows in `keys` are read.
 * @param keys Row keys of history rows. Keys without a stored row are ignored.
 */
export async function readRows(
  table: TableClient,
  deviceId: string,
  since: string | undefined,
  keys: readonly string[],
): Promise<KnownRows> {
  const reader = new DeviceReader(table, deviceId);
  const inOrder = since === undefined ? undefined : await reader.newestRows(endOfPrefix(rowKeyPrefixAt(since)));
  const entries =
    inOrder === undefined
      ? await reader.headsAndOpenEntries()
      : [...inOrder.heads, ...(inOrder.hasOpenEntries ? await reader.openEntries() : [])];
  const recent = [...(inOrder?.entities ?? [])];
  if (inOrder?.isCut === true) recent.push(...(await reader.importantRows(inOrder.last, inOrder.end)));
  const found = new Set(recent.map(({ rowKey }) => rowKey));
  // All rows up to the key `last` were read. A row with a later key is older, and may be stored without being read.
  const mayBeStored = (key: string) => !found.has(key) && (inOrder === undefined || key > inOrder.last);
  recent.push(...(await reader.rowsWithKeys([...new Set(keys)].filter(mayBeStored), shortColumns)));
  return reader.toKnownRows(entries, recent);
}

/** Reads entities of one device in the journal. */
class DeviceReader {
  readonly #table: TableClient;
  readonly #deviceId: string;

  constructor(table: TableClient, deviceId: string) {
    this.#table = table;
    this.#deviceId = deviceId;
  }

  /** Reads the newest history rows before the key `end`, without their values. Also tells whether the device has open entries. */
  async newestRows(end: string): Promise<{
    readonly entities: readonly Entity[];
    /**
     * The heads of the modules. They are read before the rows. When a row is written after that, the head changes, and the pass gets a
     * conflict.
     */
    readonly heads: readonly Entity[];
    readonly hasOpenEntries: boolean;
    /** Whether there are more rows before `end`. */
    readonly isCut: boolean;
    /** All rows up to this key were read. */
    readonly last: string;
    readonly end: string;
  }> {
    const odata = await loadFilterTag();
    const entities: Entity[] = [];
    const heads: Entity[] = [];
    let hasOpenEntries = false;
    for await (const page of this.#pages(odata`RowKey ge ${headPrefix} and RowKey lt ${end}`, shortColumns)) {
      for (const entity of page) {
        const rowKey = String(entity.rowKey);
        if (rowKey.startsWith(rowPrefix)) entities.push(entity);
        else if (rowKey.startsWith(headPrefix)) heads.push(entity);
        else hasOpenEntries = true;
      }
      const last = entities.at(-1)?.rowKey;
      if (entities.length >= maxRows && last !== undefined) {
        return { entities, heads, hasOpenEntries, isCut: true, last, end };
      }
    }
    return { entities, heads, hasOpenEntries, isCut: false, last: end, end };
  }

  openEntries(): Promise<readonly Entity[]> {
    return this.#all(`RowKey ge '${openPrefix}' and RowKey lt '${endOfPrefix(openPrefix)}'`);
  }

  headsAndOpenEntries(): Promise<readonly Entity[]> {
    return this.#all(`RowKey ge '${headPrefix}' and RowKey lt '${endOfPrefix(openPrefix)}'`);
  }

  /**
   * Reads rows between two keys, newest first, without their values. Reads only the rows that a pass needs from a long history: repairs,
   * which the guards count, rows about missing modules, rows of interrupted passes, and rows with folded writes, whose events can be
   * delivered again.
   */
  async importantRows(after: string, end: string): Promise<readonly Entity[]> {
    const odata = await loadFilterTag();
    const ofOutcome = odata`outcome eq ${'enforced'} or outcome eq ${'pending'}`;
    const conditions = `(${ofOutcome} or ${odata`kind eq ${'missingModule'} or times gt ${1}`})`;
    const entities: Entity[] = [];
    const filter = `${odata`RowKey gt ${after} and RowKey lt ${end}`} and ${conditions}`;
    for await (const page of this.#pages(filter, shortColumns)) {
      entities.push(...page);
      if (entities.length >= maxRows) break;
    }
    return entities;
  }

  /** Reads the history rows with these keys. `columns` names the columns to read. Default: all columns. */
  async rowsWithKeys(keys: readonly string[], columns?: readonly string[]): Promise<readonly Entity[]> {
    const odata = await loadFilterTag();
    const entities: Entity[] = [];
    for (let from = 0; from < keys.length; from += keysPerRequest) {
      const conditions = keys.slice(from, from + keysPerRequest).map((key) => odata`RowKey eq ${key}`);
      entities.push(...(await this.#all(`(${conditions.join(' or ')})`, columns)));
    }
    return entities;
  }

  /**
   * Converts entities to rows. Reads some rows again, with all columns: the newest rows of interrupted passes, and the newest rows about
   * missing modules, whose baseline tells who created a module.
   *
   * @param entries The heads and the open entries.
   */
  async toKnownRows(entries: readonly Entity[], recent: readonly Entity[]): Promise<KnownRows> {
    const open = entries.filter(({ rowKey }) => String(rowKey).startsWith(openPrefix)).map(fromEntity);
    const etags = new Map<string, string>();
    // The history row of an open entry exists, but may be too old to be among `recent`. Its ETag is then unknown, so `*` is used, which
    // matches every version.
    for (const row of open) etags.set(row.rowKey, '*');
    for (const entity of [...entries, ...recent]) etags.set(String(entity.rowKey), entity.etag);

    const wholeRows = new Map(open.map((row) => [row.rowKey, row]));
    const incompleteRows = recent.map((entity) => this.#toIncompleteRow(entity));
    // After a crash, two open rows can share one open entry. The entry does not name the older one of them.
    const interrupted = incompleteRows.filter((row) => isOpen(row) && !wholeRows.has(row.rowKey));
    const missing = incompleteRows.filter(({ kind, rowKey }) => kind === 'missingModule' && !wholeRows.has(rowKey));
    const again = [...interrupted.slice(0, maxWholeRows), ...missing.slice(0, maxWholeRows)];
    const keys = [...new Set(again.map(({ rowKey }) => rowKey))];
    for (const row of (await this.rowsWithKeys(keys)).map(fromEntity)) wholeRows.set(row.rowKey, row);

    const rows = incompleteRows
      .map((row) => wholeRows.get(row.rowKey) ?? row)
      .toSorted((a, b) => (a.rowKey < b.rowKey ? -1 : 1));
    const incomplete = new Set(rows.map(({ rowKey }) => rowKey).filter((rowKey) => !wholeRows.has(rowKey)));
    const withoutEntry = new Set(interrupted.map(({ rowKey }) => rowKey));
    return {
      open: [...rows.filter(({ rowKey }) => withoutEntry.has(rowKey)), ...open],
      recent: rows,
      incomplete,
      etags,
    };
  }

  #toIncompleteRow(entity: Entity): DriftRow {
    return fromEntity({ ...entity, deviceId: this.#deviceId, historyKey: entity.rowKey });
  }

  async #all(condition: string, columns?: readonly string[]): Promise<readonly Entity[]> {
    const entities: Entity[] = [];
    for await (const page of this.#pages(condition, columns)) entities.push(...page);
    return entities;
  }

  async *#pages(condition: string, columns?: readonly string[]): AsyncGenerator<readonly Entity[]> {
    const odata = await loadFilterTag();
    const filter = `${odata`PartitionKey eq ${encodeDeviceId(this.#deviceId)}`} and ${condition}`;
    const select = columns === undefined ? {} : { select: [...columns] };
    yield* this.#table
      .listEntities<Record<string, unknown>>({ queryOptions: { filter, ...select } })
      .byPage({ maxPageSize: rowsPerRequest });
  }
}
