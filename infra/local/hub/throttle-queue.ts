import type { Clock } from '../../../shared/clock.ts';

export interface QueueLimits {
  /** The rate limit in operations a second. */
  readonly perSecond: number;
  /**
   * Size of the burst that passes without a wait after a quiet time. It is given in seconds: the burst is the number of operations that the
   * rate limit allows in this time.
   */
  readonly burst: number;
  /** Longest wait of a call in seconds. A call that would have to wait longer is refused. */
  readonly queue: number;
}

/** Whether a call may run after it has entered the queue. */
export type QueueResult =
  | { readonly type: 'served' }
  /** The call would have to wait too long. The client should call again after `retryAfter` whole seconds. */
  | { readonly type: 'refused'; readonly retryAfter: number }
  /** The client disconnected before the call could run. The call used no tokens. */
  | { readonly type: 'disconnected' };

interface WaitingCall {
  readonly cost: number;
  readonly serve: () => void;
}

/**
 * A token bucket with a queue. Azure calls this "traffic shaping" in "IoT Hub quotas and throttling". After a quiet time, a burst of calls
 * passes at once. Later calls wait, and are served in order of arrival at the rate limit. A call that would have to wait too long is
 * refused.
 *
 * A call can start when the bucket has one token, even if the call costs more. The cost of the call can make the token count negative. Then
 * later calls wait until the bucket has one token again. So a call may cost more than a whole burst, and many small calls cannot delay a
 * large call forever.
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

  /** Waits until the call may run. If the signal aborts, the call leaves the queue. `cost` is the number of operations in the call. */
  async enter(cost: number, signal: AbortSignal): Promise<QueueResult> {
    if (signal.aborted) return { type: 'disconnected' };
    this.#fill();
    if (this.#waiting.size === 0 && this.#tokens >= 1) {
      this.#tokens -= cost;
      return { type: 'served' };
    }
    const wait = this.#secondsUntil(this.#waitingCost + 1);
    const { queue } = this.#limits;
    // Rounds up to whole seconds, and adds one second to a result that is already whole. So a rounding error cannot cause a second refusal.
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

  /** Returns the seconds until the bucket holds the given number of tokens. */
  #secondsUntil(tokens: number): number {
    return Math.max(0, tokens - this.#tokens) / this.#limits.perSecond;
  }

  #fill(): void {
    const now = this.#clock.now().getTime();
    this.#tokens += (Math.max(0, now - this.#filledAt) / 1000) * this.#limits.perSecond;
    this.#filledAt = now;
    // While calls wait, the token count may be larger than a burst. Otherwise a late timer would lower the rate.
    if (this.#waiting.size === 0) this.#tokens = Math.min(this.#tokens, this.#capacity);
  }
}
