import type { Policy } from '../policy/index.ts';
import type { JsonObject } from '../twin/index.ts';
import { type Finding, withoutContinuation } from './checkpoint.ts';
import { QueryRefused } from './interruption.ts';
import { longestReason, type Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { foundIn } from './twin-results.ts';
import { walk } from './walk/index.ts';

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

function suspectsOf({ module }: Policy): Finding {
  return { moduleId: module, finding: 'suspect' };
}
