import type { Policy } from '../policy/index.ts';
import { isOutOfLine } from '../reconcile/index.ts';
import { toTwin } from '../twin/index.ts';
import { QueryRefused } from './interruption.ts';
import { type Finding, longestReason, type Progress, withoutContinuation } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { deviceIdsOf } from './twin-results.ts';
import { twinsQuery } from './where/index.ts';

/** Asks which modules break a policy. Where the hub does not take the query, all of them are walked. */
export async function askForSuspects(
  parts: SweepDependencies,
  progress: Progress,
  policy: Policy,
  query: string,
): Promise<void> {
  const { walkInstead } = progress.place;
  if (walkInstead !== undefined) return walk(parts, progress, policy, walkInstead);
  try {
    await progress.eachPage(query, suspectsOf(policy), (items) =>
      items.flatMap(deviceIdsOf).filter(policy.scope.mayMatchId),
    );
  } catch (error) {
    if (!(error instanceof QueryRefused)) throw error;
    const why = `The hub does not take the query for ${policy.name}: ${error.message}`.slice(0, longestReason);
    progress.place = { ...withoutContinuation(progress.place), walkInstead: why };
    await walk(parts, progress, policy, why);
  }
}

/** Looks at every twin of a policy's module, a page at a time, as the query shows it. */
export async function walk(
  { clock, log }: SweepDependencies,
  progress: Progress,
  policy: Policy,
  why: string,
): Promise<void> {
  if (progress.tell(why)) log.info(`All modules of ${policy.name} are walked. ${why}`);
  await progress.eachPage(twinsQuery(policy), suspectsOf(policy), (items) => {
    const at = clock.now().toISOString();
    progress.add({ examined: items.length });
    return items.flatMap((item) => {
      const [deviceId] = deviceIdsOf(item);
      const twin = deviceId === undefined ? undefined : toTwin(item, deviceId, policy.module);
      if (twin === undefined || !policy.scope.mayMatchId(twin.deviceId)) return [];
      return isOutOfLine(policy, twin, at) ? [twin.deviceId] : [];
    });
  });
}

function suspectsOf({ module }: Policy): Finding {
  return { moduleId: module, finding: 'suspect' };
}
