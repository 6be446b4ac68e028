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
import { openKey, openPrefix, rowsFrom } from './keys.ts';
import { fromEntity, toEntity } from './row-entity.ts';

/** What the history knows of a device at the moment it is asked. */
export interface Recollection {
  /** Departures that are still out of line, whatever their outcome so far. */
  readonly open: readonly DriftRow[];
  /** Rows whose write is as young as was asked for, newest first; open ones are among them. */
  readonly recent: readonly DriftRow[];
  /** What the journal has seen of the device: ETags by RowKey. It keeps them as it writes; they are handed back to it as they are. */
  readonly versions: Map<string, string>;
}

/** What there is to recall of a device that nothing is known of. */
export function nothingRecalled(): Recollection {
  return { open: [], recent: [], versions: new Map() };
}

/** The history of drift, as far as recording it goes. Every call is about one device, whose rows are one partition. */
export interface Journal {
  /**
   * The open departures of a device and, when `since` (ISO 8601) is given, all rows of writes at that time or later. One range
   * of one partition: `open!` … `row!<since>`.
   */
  recall(deviceId: string, since?: string): Promise<Recollection>;
  /**
   * Stores rows as they are now to be, each with its entry among the open ones, so that a row and its entry never differ. `known` is
   * what {@link recall} said before, with what was written since: a row that is in neither of its lists must not exist yet, and one
   * that is must be as it was then. `conflict`: someone else has written meanwhile and nothing, or only a part, was stored; recall
   * and decide again. `doubles` are rows without an outcome that turned out to tell of what others among the known do: they go.
   */
  write(
    deviceId: string,
    rows: readonly DriftRow[],
    known: Recollection,
    doubles?: readonly DriftRow[],
  ): Promise<'written' | 'conflict'>;
}

/** A batch takes 100 operations and 4 MiB (Table Storage, "Performing entity group transactions"); a row takes two of them. */
const rowsPerTransaction = 50;
const bytesPerTransaction = 3_000_000;

/** The ETag that any version of an entity has, as long as there is one. */
const anyVersion = '*';

/**
 * The journal in the table `TwinkeeperDrift` of a storage account, and the copies of its rows by which others are asked for. Errors of the
 * storage service are thrown as they come.
 *
 * A row is in its device's partition before it is in the index, as one without an outcome if need be; it is in the index with its outcome
 * before it has one there; and it leaves the list of what is out of line last. So wherever the process ends, whoever goes on finds a row
 * that was left half-way and does the rest again, under the same keys; and of the list it can only be that it names too much. A row that
 * is only written ahead is not in the index.
 */
export function createJournal(account: StorageAccount, now: () => Date = () => new Date()): Journal {
  const table = once(() => openTable(account, 'TwinkeeperDrift'));
  const index = createHistoryIndex(account, now);
  /** Rows as they were found. One without an outcome among them was left half-way, and may be in the index with one. */
  const found = new WeakSet<DriftRow>();

  /** Makes the index say of these rows what the device's partition says. */
  async function repair(deviceId: string, rows: readonly DriftRow[]): Promise<void> {
    const client = await table();
    for (const row of rows) {
      const stored = await client
        .getEntity<Record<string, unknown>>(encodeDeviceId(deviceId), row.rowKey)
        .then(fromEntity, ignoreNotFound);
      if (stored?.detectedAt !== row.detectedAt) await index.retract([row]);
      if (stored === undefined) continue;
      await index.put({ rows: stored.outcome === 'pending' ? [] : [stored], listed: [stored].filter(isListed) });
      if (!isListed(stored)) await index.unlist([stored]);
    }
  }

  /** Stores rows of which those that have an outcome are there already, without one. */
  async function store(
    deviceId: string,
    rows: readonly DriftRow[],
    known: Recollection,
  ): Promise<'written' | 'conflict'> {
    // Of a row that is to be mended after all, the timeline says what it said: were that not to come about, nobody would put it right.
    const indexed = rows.filter(({ outcome }) => outcome !== 'pending');
    await index.put({ rows: indexed, listed: indexed.filter(isListed) });
    const outcome = await commit(toTransactions(deviceId, rows, known), known.versions);
    if (outcome === 'conflict') await repair(deviceId, indexed);
    return outcome;
  }

  /** Takes rows out of the history that were only written ahead. Whoever wrote them may have come as far as the index. */
  async function remove(
    deviceId: string,
    rows: readonly DriftRow[],
    known: Recollection,
  ): Promise<'written' | 'conflict'> {
    await index.retract(rows);
    return commit(toTransactions(deviceId, rows, known, 'delete'), known.versions);
  }

  async function commit(
    transactions: Iterable<TransactionAction[]>,
    versions: Map<string, string>,
  ): Promise<'written' | 'conflict'> {
    const client = await table();
    try {
      for (const actions of transactions) {
        const { subResponses } = await client.submitTransaction(actions);
        for (const [place, [type, { rowKey }]] of actions.entries()) {
          if (type === 'delete') versions.delete(rowKey);
          else versions.set(rowKey, subResponses[place]?.etag ?? anyVersion);
        }
      }
      return 'written';
    } catch (error) {
      if (!isConflict(error)) throw error;
      return 'conflict';
    }
  }

  return {
    async recall(deviceId, since) {
      const { odata } = await import('@azure/data-tables');
      const end = since === undefined ? `${openPrefix}~` : `${rowsFrom(since)}~`;
      const filter = odata`PartitionKey eq ${encodeDeviceId(deviceId)} and RowKey ge ${openPrefix} and RowKey le ${end}`;
      const open: DriftRow[] = [];
      const recent: DriftRow[] = [];
      const versions = new Map<string, string>();
      for await (const entity of (await table()).listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
        const row = fromEntity(entity);
        const rowKey = entity.rowKey ?? '';
        found.add(row);
        versions.set(rowKey, entity.etag);
        if (!rowKey.startsWith(openPrefix)) recent.push(row);
        else {
          open.push(row);
          // The row itself may be older than what was asked for.
          versions.set(row.rowKey, anyVersion);
        }
      }
      // Of two that were open at a time when the process ended, one has no entry.
      const entered = new Set(open.map(({ rowKey }) => rowKey));
      const bare = recent.filter((row) => isOpen(row) && !entered.has(row.rowKey));
      return { open: [...bare, ...open], recent, versions };
    },

    async write(deviceId, rows, known, doubles = []) {
      if (doubles.length > 0 && (await remove(deviceId, doubles, known)) === 'conflict') return 'conflict';
      let knownNow = known;
      for (const step of toSteps(rows, known)) {
        if ((await store(deviceId, step, knownNow)) === 'conflict') return 'conflict';
        knownNow = after(knownNow, step);
      }
      const left = new Set(rows.filter((row) => !isListed(row)).map(({ rowKey }) => rowKey));
      const mayBeListed = (row: DriftRow) => isOpen(row) && (row.outcome !== 'pending' || found.has(row));
      await index.unlist(known.open.filter((row) => mayBeListed(row) && left.has(row.rowKey)));
      return 'written';
    },
  };
}

/**
 * What to store one after the other, so that rows come to what they are to be. Whoever finds a row without an outcome gives it one, here
 * and in the index. One that is new, or that has another outcome, must not be in the index alone: what was decided once need not be
 * decided so again. What is new is stored when what it follows upon has ended, so that no two of one property are open longer than need be.
 */
function toSteps(rows: readonly DriftRow[], known: Recollection): readonly (readonly DriftRow[])[] {
  const stored = new Map([...known.recent, ...known.open].map(({ rowKey, outcome }) => [rowKey, outcome]));
  const decided = rows.filter(({ rowKey, outcome }) => outcome !== 'pending' && stored.get(rowKey) !== 'pending');
  const added = new Set(decided.filter(({ rowKey }) => !stored.has(rowKey)));
  const steps = [
    decided.filter((row) => !added.has(row)).map(withoutOutcome),
    rows.map((row) => (added.has(row) ? withoutOutcome(row) : row)),
    [...added],
  ];
  return steps.filter((step) => step.length > 0);
}

function withoutOutcome({ error: _, closedAt: __, ...row }: DriftRow): DriftRow {
  return { ...row, outcome: 'pending', outcomeAt: row.detectedAt };
}

/** What is known once these rows have been written. */
function after({ open, recent, versions }: Recollection, rows: readonly DriftRow[]): Recollection {
  const written = new Set(rows.map(({ rowKey }) => rowKey));
  const others = ({ rowKey }: DriftRow) => !written.has(rowKey);
  return {
    open: [...open.filter(others), ...rows.filter(isOpen)],
    recent: [...recent.filter(others), ...rows],
    versions,
  };
}

/** Whether a row is in the list of what is out of line: what is about to be mended is not. */
function isListed(row: DriftRow): boolean {
  return isOpen(row) && row.outcome !== 'pending';
}

/** The operations that store these rows, or remove them, cut into transactions that Table Storage takes. */
function* toTransactions(
  deviceId: string,
  rows: readonly DriftRow[],
  { open, versions }: Recollection,
  change: 'store' | 'delete' = 'store',
): Generator<TransactionAction[]> {
  const toRemoval = (rowKey: string): TransactionAction => [
    'delete',
    { partitionKey: encodeDeviceId(deviceId), rowKey },
  ];
  // An entity must be as it was seen, and one that was not seen must not be there.
  const toAction = (row: DriftRow, rowKey: string): TransactionAction => {
    const etag = versions.get(rowKey);
    const entity = toEntity(row, rowKey);
    return etag === undefined ? ['create', entity] : ['update', entity, 'Replace', { etag }];
  };
  // One departure of a property can end as the next begins: its entry then stands for the last of them.
  const bySlot = Map.groupBy(rows, openKey);
  const written = new Set(rows.map(({ rowKey }) => rowKey));
  const others = Map.groupBy(
    open.filter(({ rowKey }) => !written.has(rowKey)),
    openKey,
  );
  let actions: TransactionAction[] = [];
  let count = 0;
  let bytes = 0;
  for (const [slot, sharing] of bySlot) {
    const stored = change === 'store' ? sharing : [];
    const current = stored.findLast(isOpen) ?? others.get(slot)?.at(-1);
    const next = sharing.map((row) => (change === 'store' ? toAction(row, row.rowKey) : toRemoval(row.rowKey)));
    if (current !== undefined) next.push(toAction(current, slot));
    else if (versions.has(slot)) next.push(toRemoval(slot));
    const size = 2 * JSON.stringify(next).length;
    if (actions.length > 0 && (count + sharing.length > rowsPerTransaction || bytes + size > bytesPerTransaction)) {
      yield actions;
      actions = [];
      count = 0;
      bytes = 0;
    }
    actions.push(...next);
    count += sharing.length;
    bytes += size;
  }
  if (actions.length > 0) yield actions;
}

/** Another writer was there first: what was to be created exists, or what was to be changed does not, or is not as it was. */
function isConflict(error: unknown): boolean {
  return statusOf(error) === 409 || statusOf(error) === 412 || isEntityNotFound(error);
}
