import type { Clock } from '../clock.ts';
import { OperationBudget } from './operation-budget.ts';
import { type HubTier, hubTiers, type OperationClass, operationClasses, throttleLimits } from './throttle-limits.ts';

export interface BudgetOptions {
  /** The hub's edition. Tier and units determine its documented throttles. */
  readonly tier: HubTier;
  readonly units: number;
  /** The part of each throttle that this process may use: greater than 0 and at most 1. */
  readonly share: number;
}

/** Half of the smallest hub with all features. The other half is for other clients. */
const defaultBudget: BudgetOptions = { tier: 'S1', units: 1, share: 0.5 };

/** The calls that may be made to a hub: one bucket for each class of operations. */
export type Budget = Readonly<Record<OperationClass, OperationBudget>>;

/**
 * Creates a budget that starts from the hub's documented throttles and adapts to its refusals.
 *
 * @throws {RangeError} for an invalid option. The message shows its value.
 */
export function createBudget(options: Partial<BudgetOptions>, clock: Clock, random: () => number): Budget {
  const { tier, units, share } = { ...defaultBudget, ...options };
  if (!hubTiers.includes(tier))
    throw new RangeError(`The hub tier must be one of ${hubTiers.join(', ')}, not ${tier}.`);
  if (!(units >= 1 && Number.isFinite(units))) throw new RangeError(`The hub units must be 1 or more, not ${units}.`);
  if (!(share > 0 && share <= 1))
    throw new RangeError(`The budget share must be greater than 0 and at most 1, such as 0.5, not ${share}.`);
  const limits = throttleLimits(tier, units);
  const buckets = operationClasses.map((operation) => [
    operation,
    new OperationBudget({ perSecond: limits[operation] * share, clock, random }),
  ]);
  return Object.fromEntries(buckets) as Record<OperationClass, OperationBudget>;
}
