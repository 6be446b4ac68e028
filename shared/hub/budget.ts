import type { Clock } from '../clock.ts';
import { OperationBudget } from './operation-budget.ts';
import { type HubTier, hubTiers, type OperationClass, operationClasses, throttleLimits } from './throttle-limits.ts';

export interface BudgetOptions {
  /** The edition of the hub, such as `S1`. The documented throttles of a hub depend on its edition and its number of units. */
  readonly tier: HubTier;
  readonly units: number;
  /** The fraction of each throttle of the hub that this process may use: greater than 0 and at most 1. */
  readonly share: number;
}

/** Half of the throttles of one S1 unit, the smallest hub with all features. Other clients of the hub can use the other half. */
const defaultBudget: BudgetOptions = { tier: 'S1', units: 1, share: 0.5 };

/** The budgets for calls to a hub: one token bucket for each class of operations. */
export type Budget = Readonly<Record<OperationClass, OperationBudget>>;

/**
 * Creates the budgets for a hub. Each budget starts at the documented throttle of the hub, multiplied by the share of this process. The
 * budget then adapts to refusals of the hub.
 *
 * @throws {RangeError} for an invalid option. The message shows the value of that option.
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
  const budget = Object.fromEntries(buckets) as Record<OperationClass, OperationBudget>;
  // The hub counts each entry of a bulk call as an identity operation, so both have one bucket.
  return { ...budget, bulk: budget.identity };
}
