import { type BudgetOptions, throttleLimits } from '../hub/index.ts';

/** Number of hub calls per operation class. IoT Hub throttles each class separately. */
export interface CallForecast {
  readonly configuration: number;
  readonly query: number;
  readonly twinRead: number;
  readonly twinUpdate: number;
  /** One call creates up to a hundred modules. */
  readonly bulk: number;
  readonly total: number;
}

/** Calls of a class that may start at once after a pause: the smallest burst of the budget. */
const burst = 10;

/**
 * Seconds that the calls take within the budget, if no other caller uses it. The classes run in parallel, so the slowest class decides.
 */
export function secondsFor({ total: _, ...calls }: CallForecast, { tier, units, share }: BudgetOptions): number {
  const limits = throttleLimits(tier, units);
  const seconds = Object.entries(calls).map(([name, count]) => {
    const perSecond = limits[name as keyof typeof calls] * share;
    return Math.max(0, count - Math.max(burst, perSecond)) / perSecond;
  });
  return Math.ceil(Math.max(...seconds));
}
