import type { TableClient, TableEntity, TransactionAction } from '@azure/data-tables';
import { isMissing, unlessMissing } from './table-answers.ts';

/** One change to a table. Of several to one entity that wait together, only the last is made. */
export type TableChange =
  | { readonly type: 'upsert'; readonly entity: TableEntity<Record<string, unknown>> }
  /** An entity that is not there is removed already. */
  | { readonly type: 'delete'; readonly partitionKey: string; readonly rowKey: string };

/** "A transaction can include at most 100 entities, and its total payload may be no more than 4 MiB" (Entity group transactions). */
const changesPerTransaction = 100;
const bytesPerTransaction = 3_000_000;

interface Waiting {
  readonly change: TableChange;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Makes changes that many ask for at the same time in few transactions: while one to a partition is under way, the next gathers. Nobody
 * waits for company: who comes alone is served at once.
 */
export class GroupCommit {
  readonly #table: () => Promise<TableClient>;
  readonly #partitions = new Map<string, Waiting[]>();

  constructor(table: () => Promise<TableClient>) {
    this.#table = table;
  }

  /** Resolves when all of these changes are stored. Rejects with what the storage service throws. */
  async apply(changes: readonly TableChange[]): Promise<void> {
    await Promise.all(changes.map((change) => this.#join(change)));
  }

  #join(change: TableChange): Promise<void> {
    const partition = change.type === 'upsert' ? change.entity.partitionKey : change.partitionKey;
    return new Promise((done, failed) => {
      const waiting = this.#partitions.get(partition);
      if (waiting !== undefined) {
        waiting.push({ change, done, failed });
        return;
      }
      this.#partitions.set(partition, [{ change, done, failed }]);
      // A turn later, so that what is asked for in one go is one transaction.
      queueMicrotask(() => void this.#serve(partition));
    });
  }

  async #serve(partition: string): Promise<void> {
    for (;;) {
      const waiting = this.#partitions.get(partition) ?? [];
      if (waiting.length === 0) break;
      const group = firstGroup(waiting);
      this.#partitions.set(partition, waiting.slice(group.length));
      // Those that come meanwhile join the list that was just set.
      try {
        await this.#commit(partition, latest(group.map(({ change }) => change)));
        for (const { done } of group) done();
      } catch (error) {
        if (group.length > 1 && isRefused(error)) await this.#commitEach(partition, group);
        else for (const { failed } of group) failed(error);
      }
    }
    this.#partitions.delete(partition);
  }

  /** What is wrong with one change must not be the others' misfortune. */
  async #commitEach(partition: string, group: readonly Waiting[]): Promise<void> {
    for (const { change, done, failed } of group) await this.#commit(partition, [change]).then(done, failed);
  }

  async #commit(partition: string, changes: readonly TableChange[]): Promise<void> {
    const table = await this.#table();
    try {
      await table.submitTransaction(changes.map(toAction));
    } catch (error) {
      // A removal of what is not there fails the whole transaction.
      if (!isMissing(error) || changes.every(({ type }) => type === 'upsert')) throw error;
      const upserts = changes.filter(({ type }) => type === 'upsert');
      if (upserts.length > 0) await table.submitTransaction(upserts.map(toAction));
      for (const change of changes) {
        if (change.type === 'delete') await table.deleteEntity(partition, change.rowKey).catch(unlessMissing);
      }
    }
  }
}

/** As many from the front as one transaction takes. */
function firstGroup(waiting: readonly Waiting[]): readonly Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { change } of waiting) {
    bytes += change.type === 'upsert' ? 2 * JSON.stringify(change.entity).length : 200;
    if (count > 0 && (count === changesPerTransaction || bytes > bytesPerTransaction)) break;
    count++;
  }
  return waiting.slice(0, count);
}

function latest(changes: readonly TableChange[]): readonly TableChange[] {
  const byKey = new Map<string, TableChange>();
  for (const change of changes) byKey.set(change.type === 'upsert' ? change.entity.rowKey : change.rowKey, change);
  return [...byKey.values()];
}

function toAction(change: TableChange): TransactionAction {
  return change.type === 'upsert'
    ? ['upsert', change.entity, 'Replace']
    : ['delete', { partitionKey: change.partitionKey, rowKey: change.rowKey }];
}

/** Malformed or too large, and so every time that it is tried. */
function isRefused(error: unknown): boolean {
  const { statusCode } = (error ?? {}) as { readonly statusCode?: unknown };
  return statusCode === 400 || statusCode === 413;
}
