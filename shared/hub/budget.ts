import type { Clock } from '../clock.ts';
import { Bucket } from './bucket.ts';
import { type HubTier, hubTiers, type OperationClass, operationClasses, throttleLimits } from './throttle-limits.ts';

export interface BudgetOptions {
  /** The hub's edition and its units, from which its documented throttles follow. */
  readonly tier: HubTier;
  readonly units: number;
  /** The part of each throttle that this process may use, above 0 and at most 1. */
  readonly share: number;
}

/** What the smallest hub that can do everything has, and half of it left to others. */
export const defaultBudget: BudgetOptions = { tier: 'S1', units: 1, share: 0.5 };

/** How much may be asked of a hub: one bucket for each class of operation. */
export type Budget = Readonly<Record<OperationClass, Bucket>>;

/**
 * A budget that starts from the hub's documented throttles and learns from its refusals.
 *
 * @throws {RangeError} that shows the option which is none.
 */
export function createBudget(options: Partial<BudgetOptions>, clock: Clock, random: () => number): Budget {
  const { tier, units, share } = { ...defaultBudget, ...options };
  if (!hubTiers.includes(tier)) throw new RangeError(`A hub's tier is one of ${hubTiers.join(', ')}, not ${tier}.`);
  if (!(units >= 1 && Number.isFinite(units))) throw new RangeError(`A hub has 1 unit or more, not ${units}.`);
  if (!(share > 0 && share <= 1))
    throw new RangeError(`A budget's share is above 0 and at most 1, as 0.5 is, not ${share}.`);
  const limits = throttleLimits(tier, units);
  const buckets = operationClasses.map((operation) => [
    operation,
    new Bucket({ perSecond: limits[operation] * share, clock, random }),
  ]);
  return Object.fromEntries(buckets) as Record<OperationClass, Bucket>;
}
