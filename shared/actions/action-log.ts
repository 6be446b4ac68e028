import { randomUUID } from 'node:crypto';
import type { TransactionAction } from '@azure/data-tables';
import { once } from '../once.ts';
import { GroupCommit, newestFirst, openTable, type StorageAccount, type TableChange } from '../storage/index.ts';
import type { ActionKind, ActionRecord, ActionTarget, Actor } from './action.ts';
import { fromActionEntity, rowKeysIn, toActionEntities } from './action-entity.ts';
import { actionsPartition, actionsTable, filterFor, prefixFor } from './action-keys.ts';
import { longestReason, plainText } from './plain-text.ts';

/** An action that is about to begin. */
export interface ActionIntent {
  readonly action: ActionKind;
  readonly by: Actor;
  readonly target?: ActionTarget;
  /** Why. Cut to {@link longestReason} characters. */
  readonly reason?: string;
}

/** Which actions to read. */
export interface ActionQuery {
  /** The start of the time range, included. ISO 8601. */
  readonly from?: string;
  /** The end of the time range, excluded. ISO 8601. */
  readonly to?: string;
  readonly action?: ActionKind;
  readonly policy?: string;
}

export interface ActionPage {
  readonly actions: readonly ActionRecord[];
  /** The cursor of the next page. Absent on the last page. */
  readonly cursor?: string;
}

/** The record of actions in storage. */
export interface ActionLog {
  /**
   * Records an action and runs it: writes the record with the result `started`, calls `act`, and completes the record. Returns what `act`
   * returns.
   *
   * @param describe What the action did, in one sentence, for the record.
   * @throws the error of `act` unchanged, after the record has the result `failed`. The record has the name and the codes of the error and not its
   * message, which can hold addresses and signatures. Also throws the errors of Table Storage: before `act` when the record cannot be
   * written, and after `act` when it cannot be completed. The record then keeps the result `started`.
   */
  record<T>(intent: ActionIntent, act: () => Promise<T>, describe: (value: T) => string): Promise<T>;
  /** Reads one page of at most `limit` actions, newest first. `cursor` is that of the page before. Reads one range of keys. */
  page(query: ActionQuery, limit: number, cursor?: string): Promise<ActionPage>;
  /** Removes the actions that began before a time. `mayContinue` is called before each batch, and `false` ends the run. */
  removeBefore(time: Date, mayContinue: () => boolean): Promise<{ removed: number; isUnfinished: boolean }>;
}

interface ActionLogOptions {
  now(): Date;
  readonly appVersion: string;
}

/** Maximum number of entities in one response of Table Storage. */
const entitiesPerRequest = 1000;
/** Number of actions that one batch of the retention removes. */
const actionsPerBatch = 100;
const longestDetail = 1000;

/** Opens the record of actions in the table `TwinkeeperActions` of a storage account. */
export function createActionLog(account: StorageAccount, { now, appVersion }: ActionLogOptions): ActionLog {
  const table = once(() => openTable(account, actionsTable));
  const removal = new GroupCommit(table);

  async function put(action: ActionRecord): Promise<void> {
    const changes = toActionEntities(action).map((entity): TransactionAction => ['upsert', entity, 'Replace']);
    await (await table()).submitTransaction(changes);
  }

  return {
    async record({ action, by, target = {}, reason = '' }, act, describe) {
      const at = now();
      const started: ActionRecord = {
        v: 1,
        id: `${newestFirst(at.getTime())}-${randomUUID()}`,
        at: at.toISOString(),
        action,
        by,
        target,
        reason: plainText(reason, longestReason),
        result: 'started',
        detail: '',
        appVersion,
      };
      const complete = (result: 'done' | 'failed', detail: string) =>
        put({ ...started, result, detail: plainText(detail, longestDetail), endedAt: now().toISOString() });
      await put(started);
      const value = await act().catch(async (error: unknown) => {
        // The caller needs the error of the action, also when the record cannot be completed.
        await complete('failed', describeError(error)).catch(() => {});
        throw error;
      });
      await complete('done', describe(value));
      return value;
    },

    async page({ from, to, action, policy }, limit, cursor) {
      const indexed = { ...(action === undefined ? {} : { action }), ...(policy === undefined ? {} : { policy }) };
      const range = {
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(cursor === undefined ? {} : { after: cursor }),
      };
      const filter = await filterFor(prefixFor(indexed), range);
      const pages = (await table())
        .listEntities<Record<string, unknown>>({ queryOptions: { filter } })
        // One action more than `limit` shows whether there is a next page.
        .byPage({ maxPageSize: Math.min(limit + 1, entitiesPerRequest) });
      const read: ActionRecord[] = [];
      for await (const page of pages) {
        read.push(...page.map(fromActionEntity));
        if (read.length > limit) break;
      }
      const actions = read.slice(0, limit);
      const last = read.length > limit ? actions.at(-1) : undefined;
      return { actions, ...(last === undefined ? {} : { cursor: last.id }) };
    },

    async removeBefore(time, mayContinue) {
      const filter = await filterFor(prefixFor({}), { to: time.toISOString() });
      const select = ['id', 'action', 'target'];
      const pages = (await table())
        .listEntities<Record<string, unknown>>({ queryOptions: { filter, select } })
        .byPage({ maxPageSize: actionsPerBatch });
      let removed = 0;
      for await (const page of pages) {
        if (page.length > 0 && !mayContinue()) return { removed, isUnfinished: true };
        // The copy under `all!` is removed last, so that the next run finds an action that was removed only in part.
        await removal.apply(page.flatMap(rowKeysIn).map(toRemoval));
        removed += page.length;
      }
      return { removed, isUnfinished: false };
    },
  };
}

function toRemoval(rowKey: string): TableChange {
  return { type: 'delete', partitionKey: actionsPartition, rowKey };
}

/** The name and the codes of an error. Its message is left out, because it can hold addresses and signatures. */
function describeError(error: unknown): string {
  const { name, code, statusCode } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const known = [name, code, statusCode].filter((part) => typeof part === 'string' || typeof part === 'number');
  return known.length === 0 ? 'Unknown error' : known.join(' ');
}
