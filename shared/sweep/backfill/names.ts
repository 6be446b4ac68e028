import { createHash } from 'node:crypto';
import type { BackfillKey } from '../store/index.ts';

/** The name of the folder of a backfill. Each job has its own, because a hub reads and writes blobs with fixed names. */
export function folderOf({ sweepId, step }: BackfillKey, job: 'import' | 'trial' = 'import'): string {
  return createHash('sha256').update(`${sweepId}!${step}!${job}`).digest('hex').slice(0, 32);
}

/** The id of the part of the blob that a work item writes. All ids must have the same length. */
export function blockId(part: string): string {
  return part.padEnd(40, '_');
}
