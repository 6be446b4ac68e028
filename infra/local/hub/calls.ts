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

  record(callClass: CallClass, status: number | 'dropped', caller: string | undefined): void {
    this.#all.record(callClass, status);
    if (caller !== undefined) this.#byCaller.get(caller)?.record(callClass, status);
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
  readonly #throttledByClass = zeros();
  readonly #byDataAction = new Map<DataAction, number>();

  record(callClass: CallClass, status: number | 'dropped'): void {
    this.#total += 1;
    increment(this.#byClass, callClass);
    increment(this.#byStatus, String(status));
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
      throttledByClass: Object.fromEntries(this.#throttledByClass) as Record<CallClass, number>,
    };
  }
}

function zeros(): Map<CallClass, number> {
  return new Map(callClasses.map((callClass) => [callClass, 0]));
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
