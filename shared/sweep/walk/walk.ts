import type { Policy } from '../../policy/index.ts';
import { isOutOfLine } from '../../reconcile/index.ts';
import { longestReason, type Progress } from '../progress.ts';
import { describeReading } from '../reading.ts';
import type { SweepDependencies } from '../sweep-dependencies.ts';
import { lookOf } from './look-of.ts';
import { readTwins } from './read-twins.ts';
import { wholeRows } from './twin-rows.ts';

/** The part of the time between two walks over which one walk is spread. The rest is room for sweeps that come late. */
const spreadShare = 0.75;

/**
 * Reads the twins of a policy, and queues the twins that break the policy. A sweep by the timer reads only a slice, so that a walk is spread
 * over the day. A sweep that a person started reads all twins. `reason`: why queries do not suffice.
 */
export async function walk(
  dependencies: SweepDependencies,
  progress: Progress,
  policy: Policy,
  reason: string,
): Promise<void> {
  const { clock, log, walkEvery } = dependencies;
  const isAll = walkEvery === 0 || progress.row.trigger === 'manual';
  const { reading, isDue } = await readTwins(dependencies, progress, {
    memo: `walk of ${policy.name}`,
    policy,
    rows: wholeRows(policy),
    every: walkEvery,
    spread: walkEvery * spreadShare,
    isAll,
    // A reader who wants all twins at once cannot wait for a job.
    mayExport: !isAll,
    find(twins) {
      const at = clock.now().toISOString();
      return twins.filter((twin) => isOutOfLine(policy, twin, at));
    },
  });
  progress.addLook(policy, 'values', lookOf(reading));
  const part = describeReading(reading, isDue, walkEvery);
  const sentence = `${reason.slice(0, longestReason - part.length - 1)} ${part}`;
  if (progress.addWalked(sentence) && isDue) {
    log.info(`The sweep walks all twins of the policy ${policy.name}. ${sentence}`);
  }
}
