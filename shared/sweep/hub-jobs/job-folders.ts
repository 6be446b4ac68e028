import { type BudgetOptions, throttleLimits } from '../../hub/index.ts';
import { type BlobFolders, createBlobFolders, type StorageAccount } from '../../storage/index.ts';
import { jobFolderPrefix } from './job-folder-prefix.ts';

/** Seconds of bulk calls after which an import job is the faster way. A job takes minutes, however few its lines are. */
const longestBulk = 600;

/** Maximum number of results on one page of a query. */
const twinsPerPage = 1000;

/** Milliseconds after which no job needs a folder any more. */
const longestUse = 86_400_000;

/**
 * The number of missing modules of one policy above which an import job creates them: the number that bulk calls can create within the budget
 * in ten minutes. Infinity when bulk calls create all modules: where the setting says so, and where the storage account is named by a signature,
 * which cannot be passed on.
 */
export function backfillAbove(
  way: 'import' | 'bulk',
  { tier, units, share }: BudgetOptions,
  storage: StorageAccount,
): number {
  return way === 'bulk' || isSigned(storage)
    ? Number.POSITIVE_INFINITY
    : throttleLimits(tier, units).identity * share * longestBulk;
}

/**
 * The number of twins of one policy above which a walk reads them from an export job: the number that a sweep reads at once with queries.
 * On a free hub, an export job reads any number, because its daily quota has few messages. Infinity when queries read all twins: where the
 * setting says so, and where the storage account is named by a signature, which cannot be passed on.
 */
export function exportAbove(
  way: 'export' | 'query',
  { tier }: Pick<BudgetOptions, 'tier'>,
  storage: StorageAccount,
): number {
  if (way === 'query' || isSigned(storage)) return Number.POSITIVE_INFINITY;
  return tier === 'F1' ? 0 : twinsPerPage;
}

function isSigned(storage: StorageAccount): boolean {
  return 'connectionString' in storage && /SharedAccessSignature=/i.test(storage.connectionString);
}

/** Opens the folders of blobs that the app shares with the hub for a job. */
export function createJobFolders(account: StorageAccount, now: () => Date): BlobFolders {
  return createBlobFolders(account, jobFolderPrefix, now);
}

/** Removes the folders that a crash has left. Returns their number. */
export async function removeOldJobFolders(folders: BlobFolders, now: Date): Promise<number> {
  let removed = 0;
  for await (const { name, changedAt } of folders.list()) {
    if (now.getTime() - changedAt.getTime() < longestUse) continue;
    await folders.remove(name);
    removed += 1;
  }
  return removed;
}
