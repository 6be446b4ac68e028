/** Minimum rate, in calls per millisecond: one call a minute. Without calls, nobody would notice that the hub has room again. */
const minRate = 1 / 60_000;

/** The quick part of the recovery takes the time of this many calls at the refused rate. */
const quickRecoveryCalls = 4;

/** The quick part of the recovery ends at this fraction of the refused rate. After another refusal, it ends lower. */
const quickRecoveryShare = 0.85;

/** The slow part of the recovery takes at least the time of this many calls at the refused rate. */
const slowRecoveryCallsAtRefusedRate = 40;

/**
 * The slow part of the recovery takes at least the time of this many calls at the configured rate. Instances that share a hub have the
 * same configured rate, so this time is equal for all of them. An instance with a higher rate is refused more often in that time, and so
 * the rates of the instances become equal.
 */
const slowRecoveryCallsAtConfiguredRate = 300;

/** The slow part of the recovery takes at least this many milliseconds. */
const minSlowRecovery = 30_000;

/** Milliseconds without a refusal after which the rate is always back at the configured rate. */
const fullRecovery = 3_600_000;

/**
 * The rate at which calls may be made, in calls per millisecond. Other clients share the hub's limit, so the free part of the limit is
 * unknown: the rate adapts to the hub's refusals (429). The class has no clock. Callers pass times in milliseconds.
 *
 * A refusal halves the rate, so that the hub can work off its backlog. The rate then quickly grows to just below the refused rate, and
 * slowly beyond that. The hub is used well this way and rarely overloaded.
 */
export class AdaptiveRate {
  readonly configured: number;
  readonly #min: number;
  /** The last refused rate, and the time at which the rate starts to grow. */
  #refused: { readonly rate: number; readonly growsFrom: number } | undefined;

  /** Starts at the configured rate, in calls per millisecond. The rate never exceeds it. */
  constructor(configured: number) {
    this.configured = configured;
    this.#min = Math.min(minRate, configured);
  }

  /** The rate at the time `now`, in calls per millisecond. */
  at(now: number): number {
    if (this.#refused === undefined) return this.configured;
    const { rate: refused, growsFrom } = this.#refused;
    const elapsed = Math.max(0, now - growsFrom);
    const quickRecovery = Math.min(1, (elapsed * refused) / quickRecoveryCalls);
    const slowRecovery = Math.max(
      minSlowRecovery,
      slowRecoveryCallsAtConfiguredRate / this.configured,
      slowRecoveryCallsAtRefusedRate / refused,
    );
    const refusedShare =
      0.5 + (quickRecoveryShare - 0.5) * quickRecovery + (1 - quickRecoveryShare) * (elapsed / slowRecovery);
    const rate = refused * refusedShare + this.configured * (elapsed / fullRecovery) ** 3;
    return Math.min(this.configured, Math.max(this.#min, rate));
  }

  /** Records that the hub refused a call at the present rate. The rate is halved, and grows again from `resume`. */
  refuse(now: number, resume: number): void {
    this.#refused = { rate: this.at(now), growsFrom: resume };
  }

  /** Records that no call is sent before `resume`. The rate grows only from then. */
  postpone(resume: number): void {
    if (this.#refused !== undefined) this.#refused = { ...this.#refused, growsFrom: resume };
  }
}
