import { createHash } from 'node:crypto';
import { type Policy, policyHash } from '../../policy/index.ts';
import type { Twin } from '../../twin/index.ts';
import { withoutContinuation } from '../checkpoint.ts';
import { QueryRefused } from '../interruption.ts';
import type { Progress } from '../progress.ts';
import { isEnough, nextReading, type Reading } from '../reading.ts';
import type { SweepDependencies } from '../sweep-dependencies.ts';
import type { FoundDevice } from '../twin-results.ts';
import { type Dialect, twinsQuery, withColumns } from '../where/index.ts';
import { readExport } from './read-export.ts';
import { readingOf } from './reading-of.ts';
import { loadReading, storeReading } from './stored-reading.ts';
import { twinPages } from './twin-pages.ts';
import { type TwinRows, wholeRows } from './twin-rows.ts';

/** A read of all twins of a policy, in slices. */
export interface TwinTask {
  /** Name of the memo that tells the next sweep where to continue. It has a space, so no policy has this name. */
  readonly memo: string;
  readonly policy: Policy;
  /** What is read of each twin. */
  readonly rows: TwinRows;
  /** Milliseconds between the starts of two readings. */
  readonly every: number;
  /** Milliseconds over which one reading is spread. */
  readonly spread: number;
  /** Whether this sweep must read all twins. */
  readonly isAll: boolean;
  /** Whether an export of the twins will do, where the hub makes one. */
  readonly mayExport: boolean;
  /** Returns the devices to queue from the twins of one page. */
  find(twins: readonly Twin[]): Promise<readonly FoundDevice[]> | readonly FoundDevice[];
}

/** What {@link readTwins} did. `isDue`: whether this sweep read any twins. False while an export is not complete. */
export interface ReadResult {
  readonly reading: Reading;
  readonly isDue: boolean;
}

/**
 * Reads the next slice of a policy's twins. Stores where the next sweep continues. Reads nothing where the reading is ahead of its
 * time, or where the last one is not old enough.
 *
 * @throws {QueryRefused} when the hub refuses the query.
 */
export async function readTwins(
  dependencies: SweepDependencies,
  progress: Progress,
  task: TwinTask,
): Promise<ReadResult> {
  const notDue = await beginReading(dependencies, progress, task);
  if (notDue !== undefined) return { reading: notDue, isDue: false };
  const isRead = readingOf(progress).endedAt !== undefined || (await readSlice(dependencies, progress, task));
  const { continuation } = progress.checkpoint;
  const reading = { ...readingOf(progress), ...(continuation === undefined ? {} : { continuation }) };
  await storeReading(dependencies.store, task.memo, reading, dependencies.clock.now());
  return { reading, isDue: isRead };
}

/** Reads the next twins, and queues the devices that were found. Returns false where an export is not complete, so that no twin is read. */
async function readSlice(dependencies: SweepDependencies, progress: Progress, task: TwinTask): Promise<boolean> {
  const { policy, mayExport } = task;
  const exported = mayExport ? await readExport(dependencies, progress, policy) : undefined;
  if (exported === 'waiting') return false;
  if (exported === undefined) await readByQuery(dependencies, progress, task);
  const { continuation } = progress.checkpoint;
  if (continuation === undefined) {
    const endedAt = dependencies.clock.now().toISOString();
    progress.checkpoint = { ...progress.checkpoint, reading: { ...readingOf(progress), endedAt } };
  }
  // The devices are queued before the reading is stored. After a crash in between, the next run would not find them again.
  await progress.queueWork({ moduleId: policy.module, finding: 'suspect' }, 1);
  await progress.save();
  return true;
}

/** Puts the reading that is due into the checkpoint. Returns the last reading where none is due. */
async function beginReading(
  { store, clock }: SweepDependencies,
  progress: Progress,
  { memo, policy, rows, every, spread, isAll }: TwinTask,
): Promise<Reading | undefined> {
  if (progress.checkpoint.reading !== undefined) return undefined;
  const last = await loadReading(store, memo);
  const next = nextReading(last, {
    of: hashOf(policy, rows.columns, progress.dialect),
    now: clock.now(),
    every,
    isAll,
  });
  if (next === undefined) return last;
  // A large slice of an earlier sweep can be enough for this sweep too.
  if (next.read > 0 && isEnough(next, clock.now(), spread)) return next;
  const { continuation, ...reading } = next;
  progress.checkpoint = {
    ...progress.checkpoint,
    reading,
    ...(continuation === undefined ? {} : { continuation }),
  };
  return undefined;
}

/** Reads a slice of the twins with queries. */
async function readByQuery(
  { clock }: SweepDependencies,
  progress: Progress,
  { policy, rows, spread, find }: TwinTask,
): Promise<void> {
  const readAll = ({ columns, toTwins }: TwinRows) =>
    progress.forEachPage(
      twinPages(progress, policy, columns),
      { moduleId: policy.module, finding: 'suspect' },
      (items) => {
        progress.add({ examined: items.length });
        return find(toTwins(items));
      },
      policy,
      () => isEnough(readingOf(progress), clock.now(), spread),
    );
  const wholeTwins: TwinRows = { ...wholeRows(policy), columns: '*' };
  try {
    await readAll(readingOf(progress).wholeTwins === true ? wholeTwins : rows);
  } catch (error) {
    if (!(error instanceof QueryRefused) || readingOf(progress).wholeTwins === true) throw error;
    // The hub may not know these columns. Whole twins cost more messages.
    progress.checkpoint = {
      ...withoutContinuation(progress.checkpoint),
      reading: { ...readingOf(progress), read: 0, wholeTwins: true },
    };
    await readAll(wholeTwins);
  }
}

/** A hash of what a reading reads: the policy, whose twins it tests, and the query, to which the continuation token belongs. */
function hashOf(policy: Policy, columns: string, dialect: Dialect): string {
  return createHash('sha256')
    .update(`${policyHash(policy)} ${withColumns(twinsQuery(policy, dialect), columns)}`)
    .digest('base64url')
    .slice(0, 16);
}
