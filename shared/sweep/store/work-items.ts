import type { TableClient } from '@azure/data-tables';
import {
  endOfPrefix,
  ignoreNotFound,
  joinText,
  listPartition,
  loadFilterTag,
  splitText,
  statusOf,
} from '../../storage/index.ts';
import type { BackfillKey } from './backfills.ts';
import { queuedPartition } from './keys.ts';

/**
 * Up to 100 devices that may need a repair of one module. One invocation handles one work item. The queue holds only the key of the work
 * item. Stored names call a work item a "part".
 */
export interface WorkItem {
  readonly sweepId: string;
  /** Id of the work item within its sweep. A work item that is queued again keeps its id. */
  readonly part: string;
  /** Name of the module. `''` means the device's own twin. */
  readonly moduleId: string;
  /**
   * `suspect`: the module may break a policy. `missing`: the device exists and the module does not. `retired`: the device has open rows that
   * no policy demands any more.
   */
  readonly finding: 'suspect' | 'missing' | 'retired';
  /** When the sweep found the devices, ISO 8601. Query results are some minutes old, so the drift may be older than this time. */
  readonly at: string;
  readonly devices: readonly string[];
  /**
   * How far the creation of the modules by an import job is. `prepare`: the lines of the job must be written. `wait`: the lines are written. The
   * job or its results are not there yet. `record`: the job is done, and the outcomes must be stored. Absent: bulk calls create the modules.
   */
  readonly backfill?: 'prepare' | 'wait' | 'record' | undefined;
  /** Number of failed attempts so far. */
  readonly attempt: number;
  /** Number of times that a worker has worked on the devices. Absent: as often as it failed. */
  readonly round?: number;
  /** Number of times that the work item was put in the queue again. A message with a lower number is an old copy. */
  readonly turn: number;
  /** When a worker can receive the message, ISO 8601. */
  readonly due: string;
}

/** The key of a work item. */
export type WorkItemKey = Pick<WorkItem, 'sweepId' | 'part'>;

/** A work item whose modules an import job creates. */
export type BackfillItem = Required<Pick<WorkItem, 'part' | 'backfill'>>;

/** A work item as it was read from the table. */
export interface QueuedItem extends WorkItem {
  readonly etag: string;
}

/** The work items that are in the queue. `SweepStore` documents the methods. */
export interface WorkItems {
  put(item: WorkItem): Promise<void>;
  get(key: WorkItemKey): Promise<QueuedItem | undefined>;
  replace(item: QueuedItem, next: WorkItem): Promise<void>;
  remove(item: QueuedItem): Promise<void>;
  list(): AsyncIterable<QueuedItem>;
  ofBackfill(key: BackfillKey): Promise<readonly BackfillItem[]>;
  /** Returns the number of devices that wait in the queue, by sweep. Leaves out work items whose message is lost. */
  waiting(): Promise<ReadonlyMap<string, number>>;
}

/** Milliseconds after which the message of a work item counts as lost, if no worker has handled the message since it was due. */
export const lostAfter = 30 * 60_000;

/** Whether the message of a work item is lost. A later sweep may queue its devices again. */
export function isLost({ due }: Pick<WorkItem, 'due'>, now: Date): boolean {
  return now.getTime() - Date.parse(due) > lostAfter;
}

/** Keeps the work items in the table `TwinkeeperSweeps`, one entity each. */
export function createWorkItems(table: () => Promise<TableClient>, now: () => Date): WorkItems {
  return {
    async put(item) {
      await (await table()).upsertEntity(toEntity(item), 'Replace');
    },

    async get({ sweepId, part }) {
      const entity = await (await table())
        .getEntity<Record<string, unknown>>(queuedPartition, `${sweepId}!${part}`)
        .catch(ignoreNotFound);
      return entity === undefined ? undefined : fromEntity(entity);
    },

    async replace({ etag }, next) {
      await (await table()).updateEntity(toEntity(next), 'Replace', { etag }).catch(ignoreChanged);
    },

    async remove({ sweepId, part, etag }) {
      await (await table()).deleteEntity(queuedPartition, `${sweepId}!${part}`, { etag }).catch(ignoreChanged);
    },

    async *list() {
      for await (const entity of listPartition(await table(), queuedPartition)) yield fromEntity(entity);
    },

    async ofBackfill({ sweepId, step }) {
      const odata = await loadFilterTag();
      const prefix = `${sweepId}!${step}-`;
      const filter = odata`PartitionKey eq ${queuedPartition} and RowKey ge ${prefix} and RowKey lt ${endOfPrefix(prefix)}`;
      const entities = (await table()).listEntities<Record<string, unknown>>({
        queryOptions: { filter, select: ['part', 'backfill'] },
      });
      const items: BackfillItem[] = [];
      for await (const { part, backfill } of entities) {
        const state = backfillOf(backfill);
        if (state !== undefined) items.push({ part: String(part), backfill: state });
      }
      return items;
    },

    async waiting() {
      const bySweep = new Map<string, number>();
      const columns = ['rowKey', 'due', 'count'];
      for await (const { rowKey, due, count } of listPartition(await table(), queuedPartition, columns)) {
        if (isLost({ due: String(due) }, now())) continue;
        const [sweepId = ''] = String(rowKey).split('!');
        bySweep.set(sweepId, (bySweep.get(sweepId) ?? 0) + Number(count));
      }
      return bySweep;
    },
  };
}

/** Ignores the error that another process has changed or removed the entity. That process now decides about the work item. */
function ignoreChanged(error: unknown): void {
  if (statusOf(error) !== 412) ignoreNotFound(error);
}

function backfillOf(value: unknown): WorkItem['backfill'] {
  return value === 'prepare' || value === 'wait' || value === 'record' ? value : undefined;
}

function toEntity({ devices, ...plain }: WorkItem) {
  const { sweepId, part } = plain;
  return {
    partitionKey: queuedPartition,
    rowKey: `${sweepId}!${part}`,
    ...plain,
    count: devices.length,
    ...splitText('devices', JSON.stringify(devices)),
  };
}

function fromEntity(entity: Readonly<Record<string, unknown>>): QueuedItem {
  const { finding } = entity;
  const backfill = backfillOf(entity.backfill);
  return {
    sweepId: String(entity.sweepId),
    part: String(entity.part),
    moduleId: String(entity.moduleId),
    finding: finding === 'missing' || finding === 'retired' ? finding : 'suspect',
    at: String(entity.at),
    devices: JSON.parse(joinText('devices', entity) ?? '[]') as readonly string[],
    ...(backfill === undefined ? {} : { backfill }),
    attempt: Number(entity.attempt),
    ...(entity.round === undefined ? {} : { round: Number(entity.round) }),
    turn: Number(entity.turn),
    due: String(entity.due),
    etag: String(entity.etag),
  };
}
