import { type BudgetOptions, throttleLimits } from '../hub/index.ts';

/** Hub calls by the class that is throttled by itself. */
export interface CallForecast {
  readonly configuration: number;
  readonly query: number;
  readonly twinRead: number;
  readonly twinUpdate: number;
  /** A hundred modules to a call. */
  readonly bulk: number;
  readonly total: number;
}

/** So many calls of a class go at once when none were made for a while: the budget's smallest burst. */
const burst = 10;

/**
 * How long the calls take within the budget, in seconds, if nobody else needs it: as long as those of the class that takes longest,
 * because the classes do not wait for each other.
 */
export function secondsFor({ total: _, ...calls }: CallForecast, { tier, units, share }: BudgetOptions): number {
  const limits = throttleLimits(tier, units);
  const seconds = Object.entries(calls).map(([name, count]) => {
    const perSecond = limits[name as keyof typeof calls] * share;
    return Math.max(0, count - Math.max(burst, perSecond)) / perSecond;
  });
  return Math.ceil(Math.max(...seconds));
}
