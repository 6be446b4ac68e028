import {
  type BudgetOptions,
  entriesPerBulkCall,
  messagesIn,
  quotaMessageBytes,
  sweepPart,
  throttleLimits,
} from '../hub/index.ts';
import { devicesPerItem } from '../sweep/index.ts';

/** Number of hub calls per class of operations. IoT Hub throttles each class separately. */
export interface CallForecast {
  readonly configuration: number;
  readonly query: number;
  readonly twinRead: number;
  readonly twinUpdate: number;
  /** Number of bulk calls. How many modules one call creates follows from the budget. */
  readonly bulk: number;
  readonly total: number;
}

/** Smallest burst of the call budget: number of calls of one class that may start at once after a pause. */
const burst = 10;

/**
 * Returns the seconds that these calls take within the call budget, if no other caller uses the budget. The classes run in parallel, so the
 * slowest class decides.
 *
 * @param creations the number of modules that each search for missing modules finds: the hub counts each module, however few bulk calls there are
 */
export function secondsFor(
  { total: _, bulk, ...calls }: CallForecast,
  creations: readonly number[],
  { tier, units, share }: BudgetOptions,
): number {
  const limits = throttleLimits(tier, units);
  const seconds = Object.entries({ ...calls, identity: creations.reduce((sum, count) => sum + count, 0) }).map(
    ([name, count]) => {
      const perSecond = limits[name as keyof typeof calls | 'identity'] * share;
      return Math.max(0, count - Math.max(burst, perSecond)) / perSecond;
    },
  );
  return Math.ceil(Math.max(...seconds));
}

/** Number of bulk calls that create these modules. Each search fills work items of its own. */
export function bulkCallsFor(creations: readonly number[], budget: BudgetOptions): number {
  const callsFor = (modules: number) => Math.ceil(modules / entriesPerBulkCall(budget));
  return creations.reduce((sum, count) => {
    const fullItems = Math.floor(count / devicesPerItem);
    return sum + fullItems * callsFor(devicesPerItem) + callsFor(count % devicesPerItem);
  }, 0);
}

/** The size of a twin with the baseline of the security agent, and of a patch of some of its properties, in bytes. */
const twinBytes = 6_600;
const patchBytes = 1_000;

/**
 * Estimates the messages of the hub's daily quota that these calls take. `queryMessages`: the messages that the results of its queries took. Bulk
 * calls and configurations are free.
 */
export function messagesFor(
  { twinRead, twinUpdate }: CallForecast,
  queryMessages: number,
  { tier }: Pick<BudgetOptions, 'tier'>,
): number {
  const messageBytes = quotaMessageBytes(tier);
  return (
    queryMessages + twinRead * messagesIn(twinBytes, messageBytes) + twinUpdate * messagesIn(patchBytes, messageBytes)
  );
}

/** The number of days in which a sweep takes this many messages. It leaves a part of the app's share to events. */
export function daysFor(messages: number, messagesPerDay: number): number {
  return Math.max(1, Math.ceil(messages / (messagesPerDay * sweepPart)));
}
