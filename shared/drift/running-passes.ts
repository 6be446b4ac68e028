import { randomUUID } from 'node:crypto';
import { once } from '../once.ts';
import {
  ignoreNotFound,
  joinText,
  loadFilterTag,
  openTable,
  type StorageAccount,
  splitText,
} from '../storage/index.ts';
import { openListTable } from './history-index.ts';

/** The passes that are changing rows now, or that were killed while they did so. */
export interface RunningPasses {
  /** Stores that passes over these devices begin to change rows. Returns an id for {@link RunningPasses.end}. */
  begin(devices: readonly string[]): Promise<string>;
  /** Removes what {@link RunningPasses.begin} has stored. Ignores an id that was removed before. */
  end(id: string): Promise<void>;
  /** Finds the passes that began before {@link longestPass} and have not ended, oldest first. Reads one range of keys. */
  killed(): AsyncIterable<{ readonly id: string; readonly devices: readonly string[] }>;
  /**
   * The time at which the oldest pass began that has not ended. Its rows may be `pending` since then. `undefined` when no pass is running.
   * Reads one entity.
   */
  oldest(): Promise<Date | undefined>;
}

/** Partition in the table of the open list. RowKey: the time of the beginning, and a random id. */
const runningPartition = 'running';
/** Milliseconds after which a pass is certainly over. An invocation of the app may run for ten minutes. */
const longestPass = 15 * 60_000;

/**
 * Opens the list of running passes of a storage account. A killed pass can leave `pending` rows, and the open list has no such rows. The list
 * of running passes names the devices whose rows a sweep must therefore check. Errors of the storage service are thrown unchanged.
 */
export function createRunningPasses(account: StorageAccount, now: () => Date): RunningPasses {
  const table = once(() => openTable(account, openListTable));
  return {
    async begin(devices) {
      const rowKey = `${now().toISOString()}!${randomUUID()}`;
      const ids = splitText('devices', JSON.stringify(devices));
      await (await table()).createEntity({ partitionKey: runningPartition, rowKey, ...ids });
      return rowKey;
    },

    async end(id) {
      await (await table()).deleteEntity(runningPartition, id).catch(ignoreNotFound);
    },

    async *killed() {
      const odata = await loadFilterTag();
      const end = new Date(now().getTime() - longestPass).toISOString();
      const filter = odata`PartitionKey eq ${runningPartition} and RowKey lt ${end}`;
      for await (const entity of (await table()).listEntities<Record<string, unknown>>({ queryOptions: { filter } })) {
        yield { id: String(entity.rowKey), devices: JSON.parse(joinText('devices', entity) ?? '[]') as string[] };
      }
    },

    async oldest() {
      const odata = await loadFilterTag();
      const filter = odata`PartitionKey eq ${runningPartition}`;
      const entities = (await table()).listEntities({ queryOptions: { filter, select: ['rowKey'] } });
      for await (const [first] of entities.byPage({ maxPageSize: 1 })) {
        if (first !== undefined) return new Date(String(first.rowKey).split('!')[0] ?? '');
      }
      return undefined;
    },
  };
}

/** A list of running passes that stores nothing. */
export const noRunningPasses: RunningPasses = {
  begin: async () => '',
  end: async () => {},
  async *killed() {},
  oldest: async () => undefined,
};
