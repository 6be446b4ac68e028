/**
 * Minimum rate in calls per millisecond: one call a minute. The rate never becomes 0, because only a call can show that the hub accepts
 * calls again.
 */
const minRate = 1 / 60_000;

/** After a refusal (429), the rate grows quickly at first. This first part takes as long as this many calls take at the refused rate. */
const quickRecoveryCalls = 4;

/** The quick growth after a refusal ends at about this fraction of the rate at which the hub refused the call. */
const quickRecoveryShare = 0.85;

/**
 * After the quick growth, the rate grows slowly back to the refused rate. This takes at least as long as this many calls take at the
 * refused rate.
 */
const slowRecoveryCallsAtRefusedRate = 40;

/**
 * The slow growth of the rate after a refusal also takes at least as long as this many calls take at the configured rate. App instances
 * that share a hub have the same configured rate, so this time is equal for all of them. In this time, an instance with a higher rate is
 * refused more often. The rates of the instances therefore become equal.
 */
const slowRecoveryCallsAtConfiguredRate = 300;

/**
 * Minimum duration of the slow phase, in milliseconds. After a refusal the rate grows quickly at first, then slowly until it reaches the
 * rate at which the hub refused.
 */
const minSlowRecovery = 30_000;

/** Milliseconds after the last refusal until the rate has certainly reached the configured rate again. */
const fullRecovery = 3_600_000;

/**
 * The rate at which this process may send calls to the hub, in calls per millisecond. Other clients use an unknown part of the hub's
 * limit. So the rate adapts to the refusals of the hub (status 429). The class has no clock. Callers pass times in milliseconds.
 *
 * A refusal halves the rate, so that the hub can finish the calls that it has accepted. After that, the rate grows quickly to a value just
 * below the refused rate, and then slowly beyond the refused rate. In this way, the hub is used well and refuses few calls.
 */
export class AdaptiveRate {
  #configured: number;
  /** The rate at which the hub last refused a call, and the time in milliseconds from which the rate grows again. */
  #refused: { readonly rate: number; readonly growsFrom: number } | undefined;

  /** Starts at the configured rate, in calls per millisecond. That rate is also the maximum. */
  constructor(configured: number) {
    this.#configured = configured;
  }

  /** The maximum rate, in calls per millisecond. */
  get configured(): number {
    return this.#configured;
  }

  /** The rate at the time `now`, in calls per millisecond. `now` is in milliseconds. */
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
    return Math.min(this.configured, Math.max(Math.min(minRate, this.configured), rate));
  }

  /**
   * Records that the hub refused a call at the time `now`. The rate is halved, and grows again from the time `resume`. Both times are in
   * milliseconds.
   */
  refuse(now: number, resume: number): void {
    this.#refused = { rate: this.at(now), growsFrom: resume };
  }

  /** Multiplies the rate, because this process gets another part of the app's rate. What the refusals have shown stays known. */
  scale(factor: number): void {
    this.#configured *= factor;
    if (this.#refused !== undefined) this.#refused = { ...this.#refused, rate: this.#refused.rate * factor };
  }

  /** Records that no call is sent before the time `resume`, in milliseconds. The rate does not grow before that time. */
  postpone(resume: number): void {
    if (this.#refused !== undefined) this.#refused = { ...this.#refused, growsFrom: resume };
  }
}
