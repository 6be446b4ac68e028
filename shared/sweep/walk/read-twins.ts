import { createHash } from 'node:crypto';
import { type Policy, policyHash } from '../../policy/index.ts';
import type { Twin } from '../../twin/index.ts';
import { withoutContinuation } from '../checkpoint.ts';
import { QueryRefused } from '../interruption.ts';
import type { Progress } from '../progress.ts';
import { isEnough, nextReading, type Reading } from '../reading.ts';
import type { SweepDependencies } from '../sweep-dependencies.ts';
import { type FoundDevice, foundIn, toProjectedTwin } from '../twin-results.ts';
import { type Dialect, twinsQuery } from '../where/index.ts';
import { loadReading, storeReading } from './stored-reading.ts';
import { twinPages } from './twin-pages.ts';

/** A read of all twins of a policy, in slices. */
export interface TwinTask {
  /** Name of the memo that tells the next sweep where to continue. It has a space, so no policy has this name. */
  readonly memo: string;
  readonly policy: Policy;
  /** Milliseconds between the starts of two readings. */
  readonly every: number;
  /** Milliseconds over which one reading is spread. */
  readonly spread: number;
  /** Whether this sweep must read all twins. */
  readonly isAll: boolean;
  /** Returns the devices to queue from the twins of one page. */
  find(twins: readonly FoundTwin[]): Promise<readonly FoundDevice[]> | readonly FoundDevice[];
}

/** A twin in a page of results, and the device to queue where the twin breaks the policy. */
export interface FoundTwin {
  readonly found: FoundDevice;
  readonly twin: Twin;
}

/** What {@link readTwins} did. `isDue`: whether this sweep read any twins. */
export interface ReadResult {
  readonly reading: Reading;
  readonly isDue: boolean;
}

/**
 * Reads the next slice of a policy's twins. Stores where the next sweep continues. Reads nothing where the last reading is not old enough.
 *
 * @throws {QueryRefused} when the hub refuses the query.
 */
export async function readTwins(
  { store, clock }: SweepDependencies,
  progress: Progress,
  { memo, policy, every, spread, isAll, find }: TwinTask,
): Promise<ReadResult> {
  if (progress.checkpoint.reading === undefined) {
    const last = await loadReading(store, memo);
    const next = nextReading(last, { of: hashOf(policy, progress.dialect), now: clock.now(), every, isAll });
    if (next === undefined) return { reading: last as Reading, isDue: false };
    const { continuation, ...reading } = next;
    progress.checkpoint = {
      ...progress.checkpoint,
      reading,
      ...(continuation === undefined ? {} : { continuation }),
    };
  }
  const readAll = () =>
    progress.forEachPage(
      twinPages(progress, policy),
      { moduleId: policy.module, finding: 'suspect' },
      (items) => {
        progress.add({ examined: items.length });
        return find(
          items.flatMap((item) =>
            foundIn(item).flatMap((found) => {
              const twin = toProjectedTwin(item, found.deviceId, policy.module);
              return twin !== undefined && policy.scope.mayMatchId(found.deviceId) ? [{ found, twin }] : [];
            }),
          ),
        );
      },
      policy,
      () => isEnough(readingOf(progress), clock.now(), spread),
    );
  try {
    await readAll();
  } catch (error) {
    if (!(error instanceof QueryRefused) || readingOf(progress).wholeTwins === true) throw error;
    // The hub may not know these columns. Whole twins cost more messages.
    progress.checkpoint = {
      ...withoutContinuation(progress.checkpoint),
      reading: { ...readingOf(progress), read: 0, wholeTwins: true },
    };
    await readAll();
  }
  const { continuation } = progress.checkpoint;
  const now = clock.now();
  const reading =
    continuation === undefined
      ? { ...readingOf(progress), endedAt: now.toISOString() }
      : { ...readingOf(progress), continuation };
  await storeReading(store, memo, reading, now);
  return { reading, isDue: true };
}

function readingOf({ checkpoint: { reading } }: Progress): Reading {
  if (reading === undefined) throw new Error('The checkpoint has no reading.');
  return reading;
}

/** A hash of what a reading reads: the policy, whose twins it tests, and the query, to which the continuation token belongs. */
function hashOf(policy: Policy, dialect: Dialect): string {
  return createHash('sha256')
    .update(`${policyHash(policy)} ${twinsQuery(policy, dialect)}`)
    .digest('base64url')
    .slice(0, 16);
}
