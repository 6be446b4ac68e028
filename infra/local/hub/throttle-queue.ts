import type { Clock } from '../../../shared/clock.ts';

export interface QueueLimits {
  /** The rate limit: operations a second. */
  readonly perSecond: number;
  /** Size of the burst after a quiet time, in seconds of the rate limit. */
  readonly burst: number;
  /** Longest wait of a call in seconds. A call that would wait longer is refused. */
  readonly queue: number;
}

/** The result of a call's wait in the queue. */
export type QueueResult =
  | { readonly type: 'served' }
  /** The wait would be too long. The queue has room again after `retryAfter` whole seconds. */
  | { readonly type: 'refused'; readonly retryAfter: number }
  /** The client has disconnected. The call used no tokens. */
  | { readonly type: 'disconnected' };

interface WaitingCall {
  readonly cost: number;
  readonly serve: () => void;
}

/**
 * A token bucket with a queue: "traffic shaping" in "IoT Hub quotas and throttling". A burst passes at once. Later calls wait and
 * are served in order at the rate limit. Calls that would wait too long are refused.
 *
 * A call needs only one token to start, whatever its cost. Its cost may make the token count negative, and later calls wait until
 * the bucket has refilled. So a call may cost more than a whole burst, and small calls cannot starve a large one.
 */
export class ThrottleQueue {
  readonly #limits: QueueLimits;
  readonly #clock: Clock;
  readonly #capacity: number;
  /** The waiting calls in order of arrival. */
  readonly #waiting = new Set<WaitingCall>();
  #waitingCost = 0;
  #tokens: number;
  #filledAt: number;
  #serving = false;

  constructor(limits: QueueLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#capacity = Math.max(1, limits.perSecond * limits.burst);
    this.#tokens = this.#capacity;
    this.#filledAt = clock.now().getTime();
  }

  /** Waits until the call may run. A call whose signal aborts leaves the queue. `cost`: number of operations. */
  async enter(cost: number, signal: AbortSignal): Promise<QueueResult> {
    if (signal.aborted) return { type: 'disconnected' };
    this.#fill();
    if (this.#waiting.size === 0 && this.#tokens >= 1) {
      this.#tokens -= cost;
      return { type: 'served' };
    }
    const wait = this.#secondsUntil(this.#waitingCost + 1);
    const { queue } = this.#limits;
    // Rounds up to whole seconds, and adds a second to an exact result. So a rounding error never causes another refusal.
    if (wait > queue) return { type: 'refused', retryAfter: Math.floor(wait - queue) + 1 };
    return new Promise((resolve) => {
      const leave = () => {
        this.#remove(waiting);
        resolve({ type: 'disconnected' });
      };
      const waiting: WaitingCall = {
        cost,
        serve: () => {
          signal.removeEventListener('abort', leave);
          resolve({ type: 'served' });
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.add(waiting);
      this.#waitingCost += cost;
      if (!this.#serving) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    while (this.#waiting.size > 0) {
      this.#fill();
      for (const waiting of this.#waiting) {
        if (this.#tokens < 1) break;
        this.#remove(waiting);
        this.#tokens -= waiting.cost;
        waiting.serve();
      }
      if (this.#waiting.size > 0) await this.#clock.sleep(Math.max(1, Math.ceil(this.#secondsUntil(1) * 1000)));
    }
    this.#serving = false;
  }

  #remove(waiting: WaitingCall): void {
    if (this.#waiting.delete(waiting)) this.#waitingCost -= waiting.cost;
  }

  /** Seconds until the bucket has this many tokens. */
  #secondsUntil(tokens: number): number {
    return Math.max(0, tokens - this.#tokens) / this.#limits.perSecond;
  }

  #fill(): void {
    const now = this.#clock.now().getTime();
    this.#tokens += (Math.max(0, now - this.#filledAt) / 1000) * this.#limits.perSecond;
    this.#filledAt = now;
    // While calls wait, tokens may exceed the burst: a late timer must not lower the rate.
    if (this.#waiting.size === 0) this.#tokens = Math.min(this.#tokens, this.#capacity);
  }
}
