import type { Clock } from '../clock.ts';
import { mostEntries } from './bulk.ts';
import { largestCost, OperationBudget } from './operation-budget.ts';
import { type HubTier, hubTiers, type OperationClass, operationClasses, throttleLimits } from './throttle-limits.ts';

export interface BudgetOptions {
  /** The edition of the hub, such as `S1`. The documented throttles of a hub depend on its edition and its number of units. */
  readonly tier: HubTier;
  readonly units: number;
  /** The fraction of each throttle of the hub that the app may use, all its instances together: greater than 0 and at most 1. */
  readonly share: number;
  /** The fraction of the daily message quota of the hub that the app may use: greater than 0 and at most 1. */
  readonly messageShare: number;
}

/** Half of the throttles of one S1 unit, the smallest hub with all features. Other clients of the hub can use the other half. */
const defaultBudget: BudgetOptions = { tier: 'S1', units: 1, share: 0.5, messageShare: 1 };

/** The budgets for calls to a hub: one token bucket for each class of operations. */
export type Budget = Readonly<Record<OperationClass, OperationBudget>>;

/** Takes an equal part of the app's budgets, because so many instances are alive: see {@link OperationBudget.divide}. */
export function divideBudget(budget: Budget, instances: number, isNewcomer: boolean): void {
  for (const bucket of new Set(Object.values(budget))) bucket.divide(instances, isNewcomer);
}

/** The number of modules that one bulk call creates at most: as many as a full bucket has tokens for. */
export function entriesPerBulkCall({ tier, units, share }: BudgetOptions): number {
  return Math.min(mostEntries, largestCost(throttleLimits(tier, units).bulk * share));
}

/**
 * Creates the budgets for a hub. Each budget starts at the documented throttle of the hub, multiplied by the share of the app. The
 * budget then adapts to refusals of the hub.
 *
 * @throws {RangeError} for an invalid option. The message shows the value of that option.
 */
export function createBudget(options: Partial<BudgetOptions>, clock: Clock, random: () => number): Budget {
  const { tier, units, share, messageShare } = { ...defaultBudget, ...options };
  if (!hubTiers.includes(tier))
    throw new RangeError(`The hub tier must be one of ${hubTiers.join(', ')}, not ${tier}.`);
  if (!(units >= 1 && Number.isFinite(units))) throw new RangeError(`The hub units must be 1 or more, not ${units}.`);
  for (const [name, value] of Object.entries({ 'budget share': share, 'message share': messageShare })) {
    if (!(value > 0 && value <= 1))
      throw new RangeError(`The ${name} must be greater than 0 and at most 1, such as 0.5, not ${value}.`);
  }
  const limits = throttleLimits(tier, units);
  const buckets = operationClasses.map((operation) => [
    operation,
    new OperationBudget({ perSecond: limits[operation] * share, clock, random }),
  ]);
  const budget = Object.fromEntries(buckets) as Record<OperationClass, OperationBudget>;
  // The hub counts each entry of a bulk call as an identity operation, so both have one bucket.
  return { ...budget, bulk: budget.identity };
}
