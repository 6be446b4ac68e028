import { once } from '../once.ts';
import { GroupCommit, loadFilterTag, openTable, type StorageAccount, type TableChange } from '../storage/index.ts';
import { type DriftRow, isListed, isOpen } from './departure.ts';
import type { KnownRows } from './known-rows.ts';
import { snapshotsTable } from './snapshots-table.ts';
import { digest } from './timeline-keys.ts';

/*
 * A snapshot lists the open rows of its moment, and the timeline finds rows by their detection. Some rows that were open after a snapshot are in
 * neither: drift that was over and came back with the same write, and an old row that was just being repaired when the snapshot was taken. Each
 * such row gets a mark, before it is stored. A mark says only that the row must be looked at, so one too many is harmless.
 *
 *   PartitionKey  `unlisted <day>`   RowKey  `<time>!<digest>`
 */
const markPrefix = 'unlisted ';

/**
 * Minimum age of a row that gets a mark, in milliseconds. Younger rows are found by their detection: a search begins some minutes before the
 * snapshot.
 */
const minAge = 10 * 60_000;

/** Maximum number of marks that one process remembers, so that it does not write them twice a day. */
const mostRemembered = 20_000;

/** The key of a row that must be looked at. */
export interface ListingMark {
  /** The RowKey of the mark. Later marks have later keys. */
  readonly key: string;
  readonly policy: string;
  readonly deviceId: string;
  readonly rowKey: string;
}

/** Marks of old rows that went into the open list again, or left it while their drift was open. */
export interface ListingMarks {
  /** Marks those of the rows that need it, at most once a day in one process. `known`: the rows before the change. */
  put(rows: readonly DriftRow[], known: KnownRows): Promise<void>;
  /** Reads the marks from the day of `from` to `until`, the oldest first, and of each row the first one. Times are ISO 8601. */
  between(from: string, until: string): Promise<readonly ListingMark[]>;
}

/** Opens the marks in a storage account. Errors of the storage service are thrown unchanged. */
export function createListingMarks(account: StorageAccount, now: () => Date): ListingMarks {
  const table = once(() => openTable(account, snapshotsTable));
  const marks = new GroupCommit(table);
  let remembered: { readonly day: string; readonly ids: Set<string> } = { day: '', ids: new Set() };

  return {
    async put(rows, known) {
      const time = now();
      const knownRows = new Map([...known.recent, ...known.open].map((row) => [row.rowKey, row]));
      const old = rows.filter(
        (row) => Date.parse(row.detectedAt) < time.getTime() - minAge && needsMark(row, knownRows.get(row.rowKey)),
      );
      if (old.length === 0) return;
      const at = time.toISOString();
      const day = dayOf(at);
      if (remembered.day !== day || remembered.ids.size > mostRemembered) remembered = { day, ids: new Set() };
      const { ids } = remembered;
      const missing = old.filter((row) => !ids.has(markId(row)));
      await marks.apply(
        missing.map((row): TableChange => {
          const { policy, deviceId, rowKey: historyKey } = row;
          const key = { partitionKey: `${markPrefix}${day}`, rowKey: `${at}!${markId(row)}` };
          return { type: 'upsert', entity: { ...key, v: 1, policy, deviceId, historyKey } };
        }),
      );
      for (const row of missing) ids.add(markId(row));
    },

    async between(from, until) {
      const odata = await loadFilterTag();
      const [first, last] = [dayOf(from), dayOf(until)].map((day) => `${markPrefix}${day}`);
      // The first mark of a row counts for the whole day, so the range begins with the day.
      const keys = odata`RowKey ge ${dayOf(from)} and RowKey lt ${`${until}~`}`;
      const filter = `${odata`PartitionKey ge ${first} and PartitionKey le ${last}`} and ${keys}`;
      const found = new Map<string, ListingMark>();
      for await (const entity of (await table()).listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
        const mark = {
          key: String(entity.rowKey),
          policy: String(entity.policy),
          deviceId: String(entity.deviceId),
          rowKey: String(entity.historyKey),
        };
        const id = markId(mark);
        if (!found.has(id)) found.set(id, mark);
      }
      return [...found.values()];
    },
  };
}

/** Identifies a row among all rows of the hub, in few characters. */
export function markId({ deviceId, rowKey }: Pick<DriftRow, 'deviceId' | 'rowKey'>): string {
  return digest(`${deviceId}\n${rowKey}`);
}

/** The filters of the marks that are older than the day of a time. */
export async function oldMarks(time: Date): Promise<string> {
  const odata = await loadFilterTag();
  return odata`PartitionKey ge ${markPrefix} and PartitionKey lt ${`${markPrefix}${dayOf(time.toISOString())}`}`;
}

function needsMark(row: DriftRow, before: DriftRow | undefined): boolean {
  if (before === undefined || !isOpen(row)) return false;
  return !isOpen(before) || isListed(row) !== isListed(before);
}

function dayOf(at: string): string {
  return at.slice(0, 10);
}
