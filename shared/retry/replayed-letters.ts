import type { TableClient } from '@azure/data-tables';
import { GroupCommit, ignoreNotFound, loadFilterTag, statusOf } from '../storage/index.ts';

/** When a dead letter was replayed, and by whom. */
export interface Replay {
  /** ISO 8601. */
  readonly at: string;
  /** Who replayed the letter, in words. */
  readonly by: string;
}

/** The partition of the letters that were replayed, in the table of the dead letters. A letter keeps its row keys. */
export const replayedPartition = 'replayed';

/** The letters that were replayed. They stay as evidence until the retention removes them. */
interface ReplayedLetters {
  /** Stores the entities of a letter, the first entity of the letter first. Keeps what an interrupted call has stored. */
  put(entities: readonly Readonly<Record<string, unknown>>[], replay: Replay): Promise<void>;
  find(id: string): Promise<Replay | undefined>;
  removeBefore(time: Date, mayContinue: () => boolean): Promise<{ readonly isUnfinished: boolean }>;
}

export function createReplayedLetters(table: () => Promise<TableClient>): ReplayedLetters {
  const removal = new GroupCommit(table);

  return {
    async put(entities, { at, by }) {
      const client = await table();
      // As in a new letter, the first entity is stored last, so a crash leaves no letter without its further entities.
      for (const [index, entity] of [...entities.entries()].toReversed()) {
        const body = Object.entries(entity).filter(([name]) => /^(v|at|reason|deviceId|body\d+)$/.test(name));
        const state = index === 0 ? { state: 'replayed', replayedBy: by } : {};
        const key = { partitionKey: replayedPartition, rowKey: String(entity.rowKey) };
        const copy = { ...Object.fromEntries(body), ...key, ...state, replayedAt: at };
        await client.submitTransaction([['create', copy]]).catch((error: unknown) => {
          // An interrupted call has stored this entity.
          if (statusOf(error) !== 409) throw error;
        });
      }
    },

    async find(id) {
      const client = await table();
      const head = await client.getEntity<Record<string, unknown>>(replayedPartition, id).catch(ignoreNotFound);
      return head === undefined ? undefined : replayIn(head);
    },

    async removeBefore(time, mayContinue) {
      const odata = await loadFilterTag();
      const filter = odata`PartitionKey eq ${replayedPartition} and replayedAt lt ${time.toISOString()}`;
      const pages = (await table())
        .listEntities({ queryOptions: { filter, select: ['partitionKey', 'rowKey'] } })
        .byPage({ maxPageSize: 100 });
      for await (const page of pages) {
        if (page.length > 0 && !mayContinue()) return { isUnfinished: true };
        await removal.apply(
          page.map(({ partitionKey = '', rowKey = '' }) => ({ type: 'delete' as const, partitionKey, rowKey })),
        );
      }
      return { isUnfinished: false };
    },
  };
}

/** The replay in the first entity of a letter. `undefined` when the letter was not replayed. */
export function replayIn({ replayedAt, replayedBy }: Readonly<Record<string, unknown>>): Replay | undefined {
  if (typeof replayedAt !== 'string' || typeof replayedBy !== 'string') return undefined;
  return { at: replayedAt, by: replayedBy };
}
