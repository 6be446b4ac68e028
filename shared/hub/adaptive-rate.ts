/** Never slower than one call a minute, so that it is noticed when there is room again. */
const slowest = 1 / 60_000;

/** Within so many calls, a rate that was halved climbs back … */
const callsToReturn = 4;

/** … to this part of what was refused. Where that is too much as well, it is refused again, and comes back to less. */
const returnsTo = 0.85;

/**
 * What was refused is tried again no sooner than after so many calls at that rate, so many at the configured rate, and so many
 * milliseconds. The second is the same time for all instances that share a hub: those that ask for more are refused more often in it, and
 * so they come to ask for the same.
 */
const ownCallsToRetry = 40;
const fullCallsToRetry = 300;
const leastToRetry = 30_000;

/** After so many milliseconds without a refusal the configured rate is back, however low it had been. */
const longestRecovery = 3_600_000;

/**
 * The rate at which calls may be made, in calls per millisecond, learnt from refusals alone: a hub's limit is shared with others, and where
 * it lies today is known only from running into it. Arithmetic without a clock: times are given, in milliseconds.
 *
 * A refusal halves the rate, so that the hub gets through what has piled up. From there it climbs back to a little below where it was
 * refused, at once, and beyond that slowly: the hub is used well, and asked for too much seldom.
 */
export class AdaptiveRate {
  readonly configured: number;
  readonly #floor: number;
  /** The rate that was refused last, and when growing begins. */
  #refused: { readonly rate: number; readonly from: number } | undefined;

  /** Begins at the configured rate, which it never exceeds. */
  constructor(configured: number) {
    this.configured = configured;
    this.#floor = Math.min(slowest, configured);
  }

  /** The rate at a time. */
  at(now: number): number {
    if (this.#refused === undefined) return this.configured;
    const { rate: refused, from } = this.#refused;
    const since = Math.max(0, now - from);
    const returned = Math.min(1, (since * refused) / callsToReturn);
    const toRetry = Math.max(leastToRetry, fullCallsToRetry / this.configured, ownCallsToRetry / refused);
    const rate =
      refused * (0.5 + (returnsTo - 0.5) * returned + (1 - returnsTo) * (since / toRetry)) +
      this.configured * (since / longestRecovery) ** 3;
    return Math.min(this.configured, Math.max(this.#floor, rate));
  }

  /** The hub refuses this rate. It grows again from `resume` on, until when nothing is sent. */
  refuse(now: number, resume: number): void {
    this.#refused = { rate: this.at(now), from: resume };
  }

  /** Nothing is sent until later than it seemed. */
  postpone(resume: number): void {
    if (this.#refused !== undefined) this.#refused = { ...this.#refused, from: resume };
  }
}
