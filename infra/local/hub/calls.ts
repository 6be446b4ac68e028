/**
 * Counts the calls to the service API by class, HTTP status and caller. The classes are those that IoT Hub's throttles distinguish.
 */
import type { DataAction } from './access.ts';

export const callClasses = [
  'identity',
  'twinRead',
  'twinUpdate',
  'query',
  'bulk',
  'configuration',
  'statistics',
  'job',
  'other',
] as const;

/** The class of a call. The class `other` means that the request matched no operation. */
export type CallClass = (typeof callClasses)[number];

export interface CallCounts {
  readonly total: number;
  readonly byClass: Readonly<Record<CallClass, number>>;
  /** Number of calls by HTTP status. The key `dropped` counts the calls whose connection broke before the response. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** Number of operations by class: each entry of a bulk call is one, and any other call is one. */
  readonly operationsByClass: Readonly<Record<CallClass, number>>;
  /** Number of messages of the hub's daily quota by class. */
  readonly messagesByClass: Readonly<Record<CallClass, number>>;
  /** Number of calls with the status 429, by class. */
  readonly throttledByClass: Readonly<Record<CallClass, number>>;
}

export interface CallerCounts extends CallCounts {
  /** Number of allowed calls by the data action that they need. A call that needs two data actions counts in both. */
  readonly dataActions: Readonly<Record<DataAction, number>>;
}

export interface CallReport extends CallCounts {
  /**
   * Call counts by caller: a shared access policy or an identity. A call without a valid signature or token counts only in the totals over
   * all callers.
   */
  readonly byCaller: Readonly<Record<string, CallerCounts>>;
}

/** What a call cost: operations of a throttle, and messages of the daily quota. */
export interface CallCost {
  readonly operations: number;
  readonly messages: number;
}

/** Counts calls since the start of the hub or the last `reset`. */
export class CallCounter {
  readonly #callers: readonly string[];
  #all = new Counts();
  #byCaller = new Map<string, Counts>();

  /** `callers` are the names of all callers. In the report, a caller without calls has zeros. */
  constructor(callers: readonly string[]) {
    this.#callers = callers;
    this.reset();
  }

  record(callClass: CallClass, status: number | 'dropped', caller: string | undefined, cost: CallCost): void {
    this.#all.record(callClass, status, cost);
    if (caller !== undefined) this.#byCaller.get(caller)?.record(callClass, status, cost);
  }

  /** Counts the data actions of a call that the caller may make. */
  recordUse(caller: string, dataActions: readonly DataAction[]): void {
    this.#byCaller.get(caller)?.recordUse(dataActions);
  }

  reset(): void {
    this.#all = new Counts();
    this.#byCaller = new Map(this.#callers.map((caller) => [caller, new Counts()]));
  }

  report(): CallReport {
    const byCaller = Object.fromEntries(
      [...this.#byCaller].map(([caller, counts]) => [
        caller,
        { ...counts.snapshot(), dataActions: counts.dataActions() },
      ]),
    );
    return { ...this.#all.snapshot(), byCaller };
  }
}

class Counts {
  #total = 0;
  readonly #byClass = zeros();
  readonly #byStatus = new Map<string, number>();
  readonly #operationsByClass = zeros();
  readonly #messagesByClass = zeros();
  readonly #throttledByClass = zeros();
  readonly #byDataAction = new Map<DataAction, number>();

  record(callClass: CallClass, status: number | 'dropped', { operations, messages }: CallCost): void {
    this.#total += 1;
    increment(this.#byClass, callClass);
    increment(this.#byStatus, String(status));
    increment(this.#operationsByClass, callClass, operations);
    increment(this.#messagesByClass, callClass, messages);
    if (status === 429) increment(this.#throttledByClass, callClass);
  }

  recordUse(dataActions: readonly DataAction[]): void {
    for (const action of dataActions) increment(this.#byDataAction, action);
  }

  dataActions(): CallerCounts['dataActions'] {
    return Object.fromEntries(this.#byDataAction);
  }

  snapshot(): CallCounts {
    return {
      total: this.#total,
      byClass: Object.fromEntries(this.#byClass) as Record<CallClass, number>,
      byStatus: Object.fromEntries(this.#byStatus),
      operationsByClass: Object.fromEntries(this.#operationsByClass) as Record<CallClass, number>,
      messagesByClass: Object.fromEntries(this.#messagesByClass) as Record<CallClass, number>,
      throttledByClass: Object.fromEntries(this.#throttledByClass) as Record<CallClass, number>,
    };
  }
}

function zeros(): Map<CallClass, number> {
  return new Map(callClasses.map((callClass) => [callClass, 0]));
}

function increment<Key>(counts: Map<Key, number>, key: Key, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
