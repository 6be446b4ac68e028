import { once } from '../once.ts';
import { listPartition, openTable, type StorageAccount } from '../storage/index.ts';
import type { ActionRecord } from './action.ts';
import { fromActionEntity, rowKeysIn } from './action-entity.ts';
import { actionsPartition, actionsTable } from './action-keys.ts';

/** All copies of one action. */
export interface StoredAction {
  /** At least one. The copy under the key of all actions is the first one, if it is there. */
  readonly copies: readonly ActionRecord[];
  /** Number of the copies that are not there. */
  readonly missing: number;
}

/** The actions as the table holds them, for evidence. */
export interface StoredActions {
  /** Reads all actions, with all copies of each. Reads the whole table, and keeps it in memory. */
  all(): AsyncIterable<StoredAction>;
}

/** Opens the stored actions of a storage account for reading. */
export function createStoredActions(account: StorageAccount): StoredActions {
  const table = once(() => openTable(account, actionsTable));
  return {
    async *all() {
      const byId = new Map<string, Map<string, ActionRecord>>();
      for await (const entity of listPartition(await table(), actionsPartition)) {
        const key = String(entity.rowKey);
        const id = key.slice(key.lastIndexOf('!') + 1);
        // The key of all actions sorts first.
        byId.set(id, (byId.get(id) ?? new Map<string, ActionRecord>()).set(key, { ...readable(entity), id }));
      }
      for (const copies of byId.values()) {
        const [first] = copies.values();
        if (first === undefined) continue;
        const keys = rowKeysIn({ ...first, target: JSON.stringify(first.target) });
        yield { copies: [...copies.values()], missing: keys.filter((key) => !copies.has(key)).length };
      }
    },
  };
}

/** Reads an entity that somebody may have damaged. */
function readable(entity: Readonly<Record<string, unknown>>): ActionRecord {
  try {
    return fromActionEntity(entity);
  } catch {
    return fromActionEntity({ ...entity, by: '{"type":"app"}', target: '{}' });
  }
}
