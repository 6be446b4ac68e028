import type { Policy } from '../policy/index.ts';
import { isOutOfLine } from '../reconcile/index.ts';
import type { JsonObject } from '../twin/index.ts';
import { type Finding, withoutContinuation } from './checkpoint.ts';
import { QueryRefused } from './interruption.ts';
import { longestReason, type Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { foundIn, toProjectedTwin } from './twin-results.ts';
import { twinsQuery } from './where/index.ts';

/**
 * Finds the twins that break a policy with a query. Where the hub refuses the query, {@link walk} reads all twins of the policy instead.
 */
export async function findSuspects(
  dependencies: SweepDependencies,
  progress: Progress,
  policy: Policy,
  query: string,
): Promise<void> {
  const { walkInstead } = progress.checkpoint;
  if (walkInstead !== undefined) return walk(dependencies, progress, policy, walkInstead);
  try {
    const find = (items: readonly JsonObject[]) =>
      items.flatMap(foundIn).filter(({ deviceId }) => policy.scope.mayMatchId(deviceId));
    await progress.forEachPage(query, suspectsOf(policy), find, policy);
  } catch (error) {
    if (!(error instanceof QueryRefused)) throw error;
    const reason = `The hub refused the query for ${policy.name}: ${error.message}`.slice(0, longestReason);
    progress.checkpoint = { ...withoutContinuation(progress.checkpoint), walkInstead: reason };
    await walk(dependencies, progress, policy, reason);
  }
}

/** Reads all twins of a policy, page by page, and queues the twins that break the policy. `reason`: why queries do not suffice. */
export async function walk(
  { clock, log }: SweepDependencies,
  progress: Progress,
  policy: Policy,
  reason: string,
): Promise<void> {
  if (progress.addWalked(reason)) log.info(`The sweep walks all twins of the policy ${policy.name}. ${reason}`);
  const find = (items: readonly JsonObject[]) => {
    const at = clock.now().toISOString();
    progress.add({ examined: items.length });
    return items.flatMap((item) => {
      const [found] = foundIn(item);
      const twin = found === undefined ? undefined : toProjectedTwin(item, found.deviceId, policy.module);
      if (found === undefined || twin === undefined || !policy.scope.mayMatchId(twin.deviceId)) return [];
      return isOutOfLine(policy, twin, at) ? [found] : [];
    });
  };
  await progress.forEachPage(twinsQuery(policy), suspectsOf(policy), find, policy);
}

function suspectsOf({ module }: Policy): Finding {
  return { moduleId: module, finding: 'suspect' };
}
