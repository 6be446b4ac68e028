import { encodeDeviceId, endOfPrefix, loadFilterTag, newestFirst } from '../storage/index.ts';
import type { ActionKind } from './action.ts';

/*
 * The table `TwinkeeperActions`. Operators act rarely, so one partition holds all actions, and each action is stored once for each question
 * that can be asked. One transaction changes all copies of an action, and each question reads one range of keys:
 *
 *   PartitionKey  `actions`
 *   RowKey        `all!<id>`                       every action
 *                 `kind!<kind>!<id>`               the actions of a kind
 *                 `policy!<policy>!<id>`           the actions on a policy
 *                 `both!<policy>!<kind>!<id>`      the actions of a kind on a policy
 *
 * The id of an action is `<inverted time>-<uuid>`.
 */
export const actionsTable = 'TwinkeeperActions';
export const actionsPartition = 'actions';

/** The parts of an action that have an index. */
interface IndexedParts {
  readonly action?: ActionKind;
  readonly policy?: string;
}

/** The prefixes of all row keys of an action. The prefix `all!` is the last one. */
export function prefixesOf({ action, policy }: IndexedParts & { readonly action: ActionKind }): readonly string[] {
  const ofPolicy = policy === undefined ? [] : [prefixFor({ policy }), prefixFor({ policy, action })];
  return [...ofPolicy, prefixFor({ action }), prefixFor({})];
}

/** The prefix of the row keys that answer a question. An encoded policy name has no `!`, so no prefix begins with another one. */
export function prefixFor({ action, policy }: IndexedParts): string {
  if (policy === undefined) return action === undefined ? 'all!' : `kind!${action}!`;
  const encoded = encodeDeviceId(policy);
  return action === undefined ? `policy!${encoded}!` : `both!${encoded}!${action}!`;
}

/** A range of the actions under one prefix, newest first. */
interface ActionRange {
  /** The range begins at this time, included. ISO 8601. */
  readonly from?: string;
  /** The range ends at this time, excluded. ISO 8601. */
  readonly to?: string;
  /** Only actions that are older than the action with this id. */
  readonly after?: string;
}

/** The filter of Table Storage for a range of the actions under a prefix. */
export async function filterFor(prefix: string, { from, to, after }: ActionRange): Promise<string> {
  const odata = await loadFilterTag();
  const newest = to === undefined ? prefix : `${prefix}${newestFirst(Math.max(0, Date.parse(to) - 1))}`;
  const start = from === undefined ? 0 : Date.parse(from);
  // No key can express a time before 1970.
  const end = start <= 0 ? endOfPrefix(prefix) : `${prefix}${newestFirst(start - 1)}`;
  const range = odata`PartitionKey eq ${actionsPartition} and RowKey ge ${newest} and RowKey lt ${end}`;
  return after === undefined ? range : `${range} and ${odata`RowKey gt ${`${prefix}${after}`}`}`;
}
