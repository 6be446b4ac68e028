/**
 * Counts the calls to the service API by class, HTTP status and shared access policy. The classes are those that IoT Hub's throttles
 * distinguish.
 */

export const callClasses = [
  'identity',
  'twinRead',
  'twinUpdate',
  'query',
  'bulk',
  'configuration',
  'statistics',
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

export interface CallReport extends CallCounts {
  /** Call counts by shared access policy. A call without a valid signature counts only in the totals over all policies. */
  readonly byPolicy: Readonly<Record<string, CallCounts>>;
}

/** Counts calls since the start of the hub or the last `reset`. */
export class CallCounter {
  readonly #policies: readonly string[];
  #all = new Counts();
  #byPolicy = new Map<string, Counts>();

  /** `policies` are the names of all shared access policies. In the report, a policy without calls has zeros. */
  constructor(policies: readonly string[]) {
    this.#policies = policies;
    this.reset();
  }

  record(callClass: CallClass, status: number | 'dropped', policy: string | undefined): void {
    this.#all.record(callClass, status);
    if (policy !== undefined) this.#byPolicy.get(policy)?.record(callClass, status);
  }

  reset(): void {
    this.#all = new Counts();
    this.#byPolicy = new Map(this.#policies.map((policy) => [policy, new Counts()]));
  }

  report(): CallReport {
    const byPolicy = Object.fromEntries([...this.#byPolicy].map(([policy, counts]) => [policy, counts.snapshot()]));
    return { ...this.#all.snapshot(), byPolicy };
  }
}

class Counts {
  #total = 0;
  readonly #byClass = zeros();
  readonly #byStatus = new Map<string, number>();
  readonly #throttledByClass = zeros();

  record(callClass: CallClass, status: number | 'dropped'): void {
    this.#total += 1;
    increment(this.#byClass, callClass);
    increment(this.#byStatus, String(status));
    if (status === 429) increment(this.#throttledByClass, callClass);
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
