import type { Policy } from '../policy/index.ts';
import { isOutOfLine } from '../reconcile/index.ts';
import type { JsonObject } from '../twin/index.ts';
import { type Finding, withoutContinuation } from './checkpoint.ts';
import { QueryRefused } from './interruption.ts';
import { longestReason, type Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { foundIn, toProjectedTwin } from './twin-results.ts';
import { walk } from './walk/index.ts';
import { twinColumns, withColumns } from './where/index.ts';

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
    if (progress.dialect === 'full') await progress.forEachPage(query, suspectsOf(policy), find, policy);
    else await findByDocumentedQuery(dependencies, progress, policy, query);
    progress.addLook(policy, 'values', { how: 'query', at: progress.row.startedAt });
  } catch (error) {
    if (!(error instanceof QueryRefused)) throw error;
    const reason = `The hub refused the query for ${policy.name}: ${error.message}`.slice(0, longestReason);
    progress.checkpoint = { ...withoutContinuation(progress.checkpoint), walkInstead: reason };
    await walk(dependencies, progress, policy, reason);
  }
}

/**
 * Finds the twins that break a policy with a query of documented words. How such a query compares values of two types is not documented, so
 * each twin in the results is tested.
 */
async function findByDocumentedQuery(
  { clock }: SweepDependencies,
  progress: Progress,
  policy: Policy,
  query: string,
): Promise<void> {
  const find = (items: readonly JsonObject[]) => {
    const at = clock.now().toISOString();
    return items.flatMap((item) =>
      foundIn(item).filter(({ deviceId }) => {
        const twin = toProjectedTwin(item, deviceId, policy.module);
        return policy.scope.mayMatchId(deviceId) && twin !== undefined && isOutOfLine(policy, twin, at);
      }),
    );
  };
  await progress.forEachPage(withColumns(query, twinColumns([policy])), suspectsOf(policy), find, policy);
}

function suspectsOf({ module }: Policy): Finding {
  return { moduleId: module, finding: 'suspect' };
}
