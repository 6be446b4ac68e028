import { type BudgetOptions, throttleLimits } from '../hub/index.ts';

/** Number of hub calls per class of operations. IoT Hub throttles each class separately. */
export interface CallForecast {
  readonly configuration: number;
  readonly query: number;
  readonly twinRead: number;
  readonly twinUpdate: number;
  /** Number of bulk calls. One bulk call creates up to 100 modules. */
  readonly bulk: number;
  readonly total: number;
}

/** Smallest burst of the call budget: number of calls of one class that may start at once after a pause. */
const burst = 10;

/**
 * Returns the seconds that these calls take within the call budget, if no other caller uses the budget. The classes run in parallel, so the
 * slowest class decides.
 */
export function secondsFor({ total: _, ...calls }: CallForecast, { tier, units, share }: BudgetOptions): number {
  const limits = throttleLimits(tier, units);
  const seconds = Object.entries(calls).map(([name, count]) => {
    const perSecond = limits[name as keyof typeof calls] * share;
    return Math.max(0, count - Math.max(burst, perSecond)) / perSecond;
  });
  return Math.ceil(Math.max(...seconds));
}
