import type { TableClient, TableEntity, TransactionAction } from '@azure/data-tables';
import { ignoreNotFound, isEntityNotFound } from './table-errors.ts';
import { bytesPerTransaction, operationBytes, operationsPerTransaction } from './transaction-limits.ts';

/**
 * One change to a table: an entity to write or to delete. When several changes to the same entity wait together, only the last one is
 * stored.
 */
export type TableChange =
  | { readonly type: 'upsert'; readonly entity: TableEntity<Record<string, unknown>> }
  /** Deletes an entity. Succeeds also when the entity does not exist. */
  | { readonly type: 'delete'; readonly partitionKey: string; readonly rowKey: string };

/** A change that waits for the next transaction, with the callbacks that settle the promise of the caller. */
interface WaitingChange {
  readonly change: TableChange;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Stores the changes of concurrent callers in few table transactions. A transaction changes one partition. While a transaction of a
 * partition is running, new changes to that partition wait for the next transaction. When none is running, a change is sent without delay.
 */
export class GroupCommit {
  readonly #table: () => Promise<TableClient>;
  readonly #waitingByPartition = new Map<string, WaitingChange[]>();

  constructor(table: () => Promise<TableClient>) {
    this.#table = table;
  }

  /** Stores the given changes. Resolves when all of them are stored. Rejects with the error of Table Storage. */
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
      // The commit starts in a microtask, after `apply` has added all its changes. One transaction then stores all of them.
      queueMicrotask(() => void this.#commitWaiting(partition));
    });
  }

  /** Commits all waiting changes of a partition, one transaction after the other. */
  async #commitWaiting(partition: string): Promise<void> {
    for (;;) {
      const waiting = this.#waitingByPartition.get(partition) ?? [];
      if (waiting.length === 0) break;
      const group = firstGroup(waiting);
      // Changes that arrive while the transaction is running are added to this list.
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

  /** Commits each change in its own transaction, so that one invalid change does not make the other changes fail. */
  async #commitEach(partition: string, group: readonly WaitingChange[]): Promise<void> {
    for (const { change, done, failed } of group) await this.#commit(partition, [change]).then(done, failed);
  }

  async #commit(partition: string, changes: readonly TableChange[]): Promise<void> {
    const table = await this.#table();
    try {
      await table.submitTransaction(changes.map(toAction));
    } catch (error) {
      // A transaction fails when one of its deletions finds no entity. So store the other changes in one transaction, and delete one
      // entity at a time.
      if (!isEntityNotFound(error) || changes.every(({ type }) => type === 'upsert')) throw error;
      const upserts = changes.filter(({ type }) => type === 'upsert');
      if (upserts.length > 0) await table.submitTransaction(upserts.map(toAction));
      for (const change of changes) {
        if (change.type === 'delete') await table.deleteEntity(partition, change.rowKey).catch(ignoreNotFound);
      }
    }
  }
}

/** The first waiting changes that fit into one transaction. At least one change, even when that change is too large. */
function firstGroup(waiting: readonly WaitingChange[]): readonly WaitingChange[] {
  let bytes = 0;
  let count = 0;
  for (const { change } of waiting) {
    bytes += operationBytes(toAction(change));
    if (count > 0 && (count === operationsPerTransaction || bytes > bytesPerTransaction)) break;
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

/** True when Table Storage refuses a change because the change is malformed or too large. A retry would fail again. */
function isRefused(error: unknown): boolean {
  const { statusCode } = (error ?? {}) as { readonly statusCode?: unknown };
  return statusCode === 400 || statusCode === 413;
}
