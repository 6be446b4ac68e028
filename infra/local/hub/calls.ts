/** Counts the calls that clients make, as the throttles of a real hub would class them. */

export const CALL_CLASSES = [
  'identity',
  'twinRead',
  'twinUpdate',
  'query',
  'bulk',
  'configuration',
  'statistics',
  'other',
] as const;

/** `other` is what no route took. */
export type CallClass = (typeof CALL_CLASSES)[number];

export interface CallCounts {
  readonly total: number;
  readonly byClass: Readonly<Record<CallClass, number>>;
  /** Keyed by HTTP status. */
  readonly byStatus: Readonly<Record<string, number>>;
}

export interface CallReport extends CallCounts {
  /** Keyed by shared access policy; calls that none signed are in the totals only. */
  readonly byPolicy: Readonly<Record<string, CallCounts>>;
}

/** The counts since the start or the last reset. */
export class CallCounter {
  readonly #policies: readonly string[];
  #all = new Counts();
  #byPolicy = new Map<string, Counts>();

  /** Takes the names of all policies, so that one that never called is reported with zeros. */
  constructor(policies: readonly string[]) {
    this.#policies = policies;
    this.reset();
  }

  record(callClass: CallClass, status: number, policy: string | undefined): void {
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
  readonly #byClass = new Map<CallClass, number>(CALL_CLASSES.map((callClass) => [callClass, 0]));
  readonly #byStatus = new Map<string, number>();

  record(callClass: CallClass, status: number): void {
    this.#total += 1;
    this.#byClass.set(callClass, (this.#byClass.get(callClass) ?? 0) + 1);
    this.#byStatus.set(String(status), (this.#byStatus.get(String(status)) ?? 0) + 1);
  }

  snapshot(): CallCounts {
    return {
      total: this.#total,
      byClass: Object.fromEntries(this.#byClass) as Record<CallClass, number>,
      byStatus: Object.fromEntries(this.#byStatus),
    };
  }
}
