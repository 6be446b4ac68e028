import type { TableClient } from '@azure/data-tables';
import { listPartition } from '../storage/index.ts';
import { openShards } from './timeline-keys.ts';

/** Counts of the open list. */
export interface OpenCounts {
  /** Number of open rows. */
  readonly total: number;
  /** Number of devices with open rows, by policy. */
  readonly devices: ReadonlyMap<string, number>;
  /**
   * Number of open rows by reason: the outcome, and for `heldBack` and `deferred` the first word of the error. Examples: `audited`,
   * `heldBack: contested`, `deferred: settling`.
   */
  readonly reasons: ReadonlyMap<string, number>;
}

/** The columns that are needed to count devices, and those that are also needed to count reasons. */
export const deviceColumns = ['rowKey'];
const allColumns = [...deviceColumns, 'outcome', 'error'];

/**
 * Counts the rows of the open list. Reads each shard once, without the values of properties. The cost depends on what is open now, not on
 * the length of the history. With {@link deviceColumns}, less is read, and the reasons are wrong.
 */
export async function countOpenList(
  openList: TableClient,
  columns: readonly string[] = allColumns,
): Promise<OpenCounts> {
  const devices = new Map<string, number>();
  const reasons = new Map<string, number>();
  let total = 0;
  for (const shard of openShards) {
    let last = '';
    for await (const { rowKey, outcome, error } of listPartition(openList, shard, [...columns])) {
      total++;
      increase(reasons, reasonOf(String(outcome), String(error ?? '')));
      // Keys of the open list sort by policy and then by device, so all rows of one device and policy follow each other.
      const [policy = '', device = ''] = String(rowKey).split('!');
      if (`${policy}!${device}` === last) continue;
      last = `${policy}!${device}`;
      increase(devices, policy);
    }
  }
  return { total, devices, reasons };
}

function reasonOf(outcome: string, error: string): string {
  const word = outcome === 'heldBack' || outcome === 'deferred' ? /^([a-zA-Z]{1,40}): /.exec(error)?.[1] : undefined;
  return word === undefined ? outcome : `${outcome}: ${word}`;
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
