import type { Clock } from '../clock.ts';
import { type Budget, type BudgetOptions, createBudget, divideBudget } from './budget.ts';
import type { Lane, Problem } from './hub.ts';
import { type HubShare, type PutOff, wholeShare } from './hub-share.ts';
import { takesMessages } from './metered-call.ts';
import type { Permit } from './permit.ts';
import type { OperationClass } from './throttle-limits.ts';

export interface CallGateOptions {
  readonly budget?: Partial<BudgetOptions> | undefined;
  readonly share?: HubShare | undefined;
  readonly clock: Clock;
  /** Returns a random number from 0 to 1. */
  readonly random: () => number;
}

/** What a call is, as far as the gate must know it. */
export interface GatedCall {
  readonly operation: OperationClass;
  readonly lane: Lane;
  /** Maximum milliseconds that the call waits for the budget. */
  readonly longestWait: number;
  /** The number of operations that the hub counts. */
  readonly operations: number;
}

/** A call that is not sent. The caller can defer the work. */
export interface NotSent {
  readonly granted: false;
  readonly problem: Extract<Problem, { readonly type: 'throttled' }>;
}

/**
 * Lets calls to the hub through while the app stays within its share of the hub's throttles and of the hub's daily messages. The share
 * belongs to all instances of the app together.
 */
export class CallGate {
  readonly #budget: Budget;
  readonly #share: HubShare;
  #joins = 0;

  /** @throws {RangeError} when an option of the budget is invalid */
  constructor({ budget = {}, share = wholeShare, clock, random }: CallGateOptions) {
    this.#budget = createBudget(budget, clock, random);
    this.#share = share;
  }

  /** The number of entries that one bulk call should have at most. */
  get mostBulkEntries(): number {
    return this.#budget.bulk.mostAtOnce;
  }

  /** Waits for the permission to make one call. */
  async acquire({ operation, lane, longestWait, operations }: GatedCall): Promise<Permit | NotSent> {
    const { instances, joins, putOff } = await this.#share.enter(lane, takesMessages(operation));
    divideBudget(this.#budget, instances, joins > this.#joins);
    this.#joins = joins;
    if (putOff !== undefined) return notSentToday(putOff);
    const outcome = await this.#budget[operation].acquire(lane, longestWait, operations);
    return outcome.granted ? outcome : notSent(operation, outcome.retryAfter);
  }

  /** The estimated number of milliseconds that the next call would wait. */
  waitFor(operation: OperationClass, lane: Lane): number {
    const putOff = takesMessages(operation) ? this.#share.putOff(lane) : undefined;
    return Math.max(putOff?.retryAfter ?? 0, this.#budget[operation].waitFor(lane));
  }
}

/** A call that would wait too long for the budget. */
function notSent(operation: OperationClass, retryAfter: number): NotSent {
  const message = `not sent: the budget for ${operation} calls has room again in ${Math.ceil(retryAfter / 1000)} s`;
  return { granted: false, problem: { type: 'throttled', message, retryAfter, waits: true } };
}

/** A call for which no messages are left today. */
function notSentToday({ quota, reason, retryAfter }: PutOff): NotSent {
  return { granted: false, problem: { type: 'throttled', message: reason, retryAfter, waits: true, quota } };
}
