import type { TableEntity } from '@azure/data-tables';
import type { ActionKind, ActionRecord, ActionTarget, Actor } from './action.ts';
import { actionsPartition, prefixesOf } from './action-keys.ts';

/** The entities of an action: one copy for each row key. The copy under `all!` is the last one. */
export function toActionEntities(action: ActionRecord): readonly TableEntity<Record<string, unknown>>[] {
  const { target, by, ...columns } = action;
  const stored = { ...columns, by: JSON.stringify(by), target: JSON.stringify(target) };
  return rowKeysOf(action).map((rowKey) => ({ partitionKey: actionsPartition, rowKey, ...stored }));
}

/** The row keys of all copies of the action of a stored entity, of which only `id`, `action` and `target` need to be read. */
export function rowKeysIn({ id, action, target }: Readonly<Record<string, unknown>>): readonly string[] {
  return rowKeysOf({
    id: String(id),
    action: action as ActionKind,
    target: JSON.parse(String(target)) as ActionTarget,
  });
}

function rowKeysOf({ id, action, target: { policy } }: Pick<ActionRecord, 'id' | 'action' | 'target'>): string[] {
  return prefixesOf({ action, ...(policy === undefined ? {} : { policy }) }).map((prefix) => `${prefix}${id}`);
}

/** The action of a stored entity. */
export function fromActionEntity(entity: Readonly<Record<string, unknown>>): ActionRecord {
  const { id, at, action, by, target, reason, result, detail, endedAt, appVersion } = entity;
  return {
    v: 1,
    id: String(id),
    at: String(at),
    action: action as ActionKind,
    by: JSON.parse(String(by)) as Actor,
    target: JSON.parse(String(target)) as ActionTarget,
    reason: String(reason),
    result: result as ActionRecord['result'],
    detail: String(detail),
    ...(typeof endedAt === 'string' ? { endedAt } : {}),
    appVersion: String(appVersion),
  };
}
