import type { TableClient, TableEntity, TransactionAction } from '@azure/data-tables';
import { ignoreNotFound, isEntityNotFound } from './table-errors.ts';

/** One change to a table. When several changes to one entity wait together, only the last one is made. */
export type TableChange =
  | { readonly type: 'upsert'; readonly entity: TableEntity<Record<string, unknown>> }
  /** Deleting an entity that does not exist succeeds. */
  | { readonly type: 'delete'; readonly partitionKey: string; readonly rowKey: string };

/** A table transaction can have at most 100 entities and 4 MiB. Source: "Performing entity group transactions". */
const changesPerTransaction = 100;
const bytesPerTransaction = 3_000_000;

/** A change that waits for its transaction, and the callbacks of the caller. */
interface WaitingChange {
  readonly change: TableChange;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Combines the changes of concurrent callers into few transactions. While a transaction of a partition is running, new changes to
 * that partition wait for the next one. A single change is sent at once: there is no delay for collecting more.
 */
export class GroupCommit {
  readonly #table: () => Promise<TableClient>;
  readonly #waitingByPartition = new Map<string, WaitingChange[]>();

  constructor(table: () => Promise<TableClient>) {
    this.#table = table;
  }

  /** Resolves when all of these changes are stored. Rejects with the error of the storage service. */
  async apply(changes: readonly TableChange[]): Promise<void> {
    await Promise.all(changes.map((change) => this.#enqueue(change)));
  }

  #enqueue(change: TableChange): Promise<void> {
    const partition = change.type === 'upsert' ? change.entity.partitionKey : change.partitionKey;
    return new Promise((done, failed) => {
      const waiting = this.#waitingByPartition.get(partition);
      if (waiting !== undefined) {
        waiting.push({ change, done, failed });
        return;
      }
      this.#waitingByPartition.set(partition, [{ change, done, failed }]);
      // Deferred by a microtask, so that all changes of one `apply` share a transaction.
      queueMicrotask(() => void this.#commitWaiting(partition));
    });
  }

  /** Commits the waiting changes of a partition, group by group, until none wait. */
  async #commitWaiting(partition: string): Promise<void> {
    for (;;) {
      const waiting = this.#waitingByPartition.get(partition) ?? [];
      if (waiting.length === 0) break;
      const group = firstGroup(waiting);
      // Changes that arrive during the commit wait in this list.
      this.#waitingByPartition.set(partition, waiting.slice(group.length));
      try {
        await this.#commit(partition, lastOfEachEntity(group.map(({ change }) => change)));
        for (const { done } of group) done();
      } catch (error) {
        if (group.length > 1 && isRefused(error)) await this.#commitEach(partition, group);
        else for (const { failed } of group) failed(error);
      }
    }
    this.#waitingByPartition.delete(partition);
  }

  /** Commits each change by itself, so that one invalid change does not fail the others. */
  async #commitEach(partition: string, group: readonly WaitingChange[]): Promise<void> {
    for (const { change, done, failed } of group) await this.#commit(partition, [change]).then(done, failed);
  }

  async #commit(partition: string, changes: readonly TableChange[]): Promise<void> {
    const table = await this.#table();
    try {
      await table.submitTransaction(changes.map(toAction));
    } catch (error) {
      // Deleting an entity that does not exist fails the whole transaction: store the others, then delete one by one.
      if (!isEntityNotFound(error) || changes.every(({ type }) => type === 'upsert')) throw error;
      const upserts = changes.filter(({ type }) => type === 'upsert');
      if (upserts.length > 0) await table.submitTransaction(upserts.map(toAction));
      for (const change of changes) {
        if (change.type === 'delete') await table.deleteEntity(partition, change.rowKey).catch(ignoreNotFound);
      }
    }
  }
}

/** The first waiting changes, at most as many as fit into one transaction. */
function firstGroup(waiting: readonly WaitingChange[]): readonly WaitingChange[] {
  let bytes = 0;
  let count = 0;
  for (const { change } of waiting) {
    bytes += change.type === 'upsert' ? 2 * JSON.stringify(change.entity).length : 200;
    if (count > 0 && (count === changesPerTransaction || bytes > bytesPerTransaction)) break;
    count++;
  }
  return waiting.slice(0, count);
}

function lastOfEachEntity(changes: readonly TableChange[]): readonly TableChange[] {
  const byKey = new Map<string, TableChange>();
  for (const change of changes) byKey.set(change.type === 'upsert' ? change.entity.rowKey : change.rowKey, change);
  return [...byKey.values()];
}

function toAction(change: TableChange): TransactionAction {
  return change.type === 'upsert'
    ? ['upsert', change.entity, 'Replace']
    : ['delete', { partitionKey: change.partitionKey, rowKey: change.rowKey }];
}

/** True when storage refuses a change as malformed or too large. A retry would fail again. */
function isRefused(error: unknown): boolean {
  const { statusCode } = (error ?? {}) as { readonly statusCode?: unknown };
  return statusCode === 400 || statusCode === 413;
}
