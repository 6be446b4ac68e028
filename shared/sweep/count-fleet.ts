import type { Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { countFleetQuery } from './where/index.ts';

/**
 * Counts the devices to which at least one policy applies. This is the last thing that a sweep does before it looks at the open rows: until the
 * first sweep has looked at all policies, the compliance of the fleet is not known. The hub is asked only when this run
 * has not asked the same for a policy.
 */
export async function countFleet(
  { policies, guardStore, clock }: SweepDependencies,
  progress: Progress,
): Promise<void> {
  const fleet = policies.all.length === 0 ? undefined : countFleetQuery(policies.all, progress.dialect);
  const devices = fleet === undefined ? undefined : await progress.queries.recentCount(fleet.query);
  if (fleet === undefined || devices === undefined) return;
  await guardStore.putFleetCount({ devices, countedAt: clock.now().toISOString(), isExact: fleet.isExact });
}
