import type { Clock } from '../../clock.ts';
import { jobBlob, type NewModule, toImportLine } from '../../hub/index.ts';
import type { BlobFolders } from '../../storage/index.ts';
import type { QueuedItem, SweepStore } from '../store/index.ts';
import { blockId, folderOf } from './names.ts';

/**
 * Milliseconds for which the devices of a prepared work item count as queued. It covers the longest backfill. After that time, a sweep may queue
 * the devices again.
 */
const longestBackfill = 9 * 3600_000;

/** The number of the step that found the devices of a work item. The id of the work item starts with it. */
export function stepOf({ part }: Pick<QueuedItem, 'part'>): number {
  return Number(part.split('-')[0]);
}

/**
 * Writes the lines of a work item to the blob of the import job, and then stores that the work item waits for the job. After a crash, the same
 * lines are written again in the same place.
 */
export async function writeLines(
  { store, folders, clock }: { readonly store: SweepStore; readonly folders: BlobFolders; readonly clock: Clock },
  item: QueuedItem,
  modules: readonly NewModule[],
): Promise<void> {
  const { sweepId, part } = item;
  const folder = await folders.open(folderOf({ sweepId, step: stepOf(item) }));
  await folder.stage(jobBlob, blockId(part), modules.map((module) => `${toImportLine(module)}\n`).join(''));
  const due = new Date(clock.now().getTime() + longestBackfill).toISOString();
  const devices = modules.map(({ deviceId }) => deviceId);
  await store.replaceWorkItem(item, { ...item, devices, backfill: 'wait', due });
}
