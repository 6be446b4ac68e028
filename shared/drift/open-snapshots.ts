import { once } from '../once.ts';
import {
  GroupCommit,
  ignoreNotFound,
  joinText,
  listPartition,
  loadFilterTag,
  newestFirst,
  openTable,
  type StorageAccount,
  splitText,
  type TableChange,
} from '../storage/index.ts';
import type { DriftRow } from './departure.ts';
import { openListTable } from './history-index.ts';
import { oldMarks } from './listing-marks.ts';
import type { RetentionResult } from './retention.ts';
import { snapshotsTable } from './snapshots-table.ts';
import { openShards } from './timeline-keys.ts';

/*
 * The table of snapshots. A snapshot lists the keys of all rows that were open when it was taken:
 *
 *   PartitionKey  `snapshots`   RowKey  `<time>`    a complete snapshot, newest first
 *   PartitionKey  `<id>`        RowKey  `<number>`  a part of a snapshot: the keys of up to 500 rows
 *
 * A snapshot is entered last, so one whose process died is never read. Its id begins with its time, and retention removes its parts.
 */
const listPartitionKey = 'snapshots';

/** Number of rows in one part: the keys of 500 rows with the longest ids take 300 KB, and an entity has 1 MB. */
const rowsPerPart = 500;

/** A list of what was open at a time. */
export interface OpenSnapshot {
  readonly id: string;
  /** When the reading began, ISO 8601. Rows that were detected later may be missing. */
  readonly takenAt: string;
  /** When the reading ended, ISO 8601. Every row that was detected before `takenAt` and still open at this time is listed. */
  readonly completeAt: string;
  readonly rows: number;
  readonly parts: number;
}

/** The key of a row in the journal, and its policy. */
export type ListedKey = Pick<DriftRow, 'deviceId' | 'rowKey' | 'policy'>;

/** Snapshots of the open list, one for each day (UTC). They answer what was open at a time without a read of everything since the beginning. */
export interface OpenSnapshots {
  /** Takes the snapshot of the day when it does not exist yet. Reads the open list then, and one entity otherwise. */
  takeDaily(): Promise<void>;
  /** The newest snapshot that was complete at a time. Reads one entity. */
  before(time: string): Promise<OpenSnapshot | undefined>;
  /** Reads one part of a snapshot, from 0 to `parts` - 1. Empty when retention has removed it. */
  part(id: string, number: number): Promise<readonly ListedKey[]>;
  /**
   * Removes the snapshots that were taken before a time, parts of those that were never complete, and the marks of the days before.
   *
   * @param mayContinue Called before each batch. `false` ends the run.
   */
  removeBefore(time: Date, mayContinue: () => boolean): Promise<RetentionResult>;
}

/** Opens the snapshots of a storage account. Errors of the storage service are thrown unchanged. */
export function createOpenSnapshots(account: StorageAccount, now: () => Date): OpenSnapshots {
  const table = once(() => openTable(account, snapshotsTable));
  const openList = once(() => openTable(account, openListTable));
  const removals = new GroupCommit(table);

  async function before(time: string): Promise<OpenSnapshot | undefined> {
    const odata = await loadFilterTag();
    const range = [newestFirst(Date.parse(time)), newestFirst(0)] as const;
    const filter = odata`PartitionKey eq ${listPartitionKey} and RowKey ge ${range[0]} and RowKey lt ${range[1]}`;
    const { value: page } = await (await table())
      .listEntities<Record<string, unknown>>({ queryOptions: { filter } })
      .byPage({ maxPageSize: 1 })
      .next();
    const [entity] = page ?? [];
    if (entity === undefined) return undefined;
    return {
      id: String(entity.snapshotId),
      takenAt: String(entity.takenAt),
      completeAt: String(entity.completeAt),
      rows: Number(entity.rows),
      parts: Number(entity.parts),
    };
  }

  async function take(takenAt: Date): Promise<void> {
    const client = await table();
    const id = `${newestFirst(takenAt.getTime())}!${crypto.randomUUID()}`;
    let parts = 0;
    let rows = 0;
    let part: ListedKey[] = [];
    const store = async () => {
      if (part.length === 0) return;
      const keys = JSON.stringify(part.map(({ policy, deviceId, rowKey }) => [policy, deviceId, rowKey]));
      await client.upsertEntity(
        { partitionKey: id, rowKey: partKey(parts), v: 1, ...splitText('keys', keys) },
        'Replace',
      );
      parts++;
      rows += part.length;
      part = [];
    };
    for (const shard of openShards) {
      for await (const entity of listPartition(await openList(), shard, ['policy', 'deviceId', 'historyKey'])) {
        part.push({
          policy: String(entity.policy),
          deviceId: String(entity.deviceId),
          rowKey: String(entity.historyKey),
        });
        if (part.length === rowsPerPart) await store();
      }
    }
    await store();
    const completeAt = now();
    await client.upsertEntity(
      {
        ...{ partitionKey: listPartitionKey, rowKey: newestFirst(completeAt.getTime()), v: 1, snapshotId: id },
        ...{ takenAt: takenAt.toISOString(), completeAt: completeAt.toISOString(), rows, parts },
      },
      'Replace',
    );
  }

  return {
    before,

    async takeDaily() {
      const time = now();
      const last = await before(time.toISOString());
      if (last?.takenAt.slice(0, 10) !== time.toISOString().slice(0, 10)) await take(time);
    },

    async part(id, number) {
      const entity = await (await table())
        .getEntity<Record<string, unknown>>(id, partKey(number))
        .catch(ignoreNotFound);
      const keys = JSON.parse(joinText('keys', entity ?? {}) ?? '[]') as readonly (readonly [string, string, string])[];
      return keys.map(([policy, deviceId, rowKey]) => ({ policy, deviceId, rowKey }));
    },

    async removeBefore(time, mayContinue) {
      const odata = await loadFilterTag();
      const oldest = newestFirst(time.getTime());
      // The list and the parts are two ranges: ids are digits, and the name of the list begins with a letter.
      const ranges = [
        odata`PartitionKey eq ${listPartitionKey} and RowKey gt ${oldest}`,
        odata`PartitionKey gt ${oldest} and PartitionKey lt ${listPartitionKey}`,
        await oldMarks(time),
      ];
      let removed = 0;
      for (const filter of ranges) {
        const select = ['partitionKey', 'rowKey'];
        const pages = (await table()).listEntities({ queryOptions: { filter, select } }).byPage({ maxPageSize: 100 });
        for await (const page of pages) {
          if (!mayContinue()) return { removed, kept: 0, isUnfinished: true };
          await removals.apply(
            page.map(({ partitionKey = '', rowKey = '' }): TableChange => ({ type: 'delete', partitionKey, rowKey })),
          );
          removed += page.length;
        }
      }
      return { removed, kept: 0, isUnfinished: false };
    },
  };
}

function partKey(number: number): string {
  return String(number).padStart(6, '0');
}
