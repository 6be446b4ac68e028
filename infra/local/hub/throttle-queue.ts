import type { Clock } from '../../../shared/clock.ts';

export interface QueueLimits {
  /** The limit: how much is let through in a second. */
  readonly perSecond: number;
  /** How many seconds' worth of the limit are let through at once after a rest. */
  readonly burst: number;
  /** How many seconds a call may have to wait. One that would have to wait longer is refused. */
  readonly queue: number;
}

/** What came of a call's wait for its turn. */
export type Turn =
  | { readonly type: 'served' }
  /** There will be room in the queue after so many whole seconds. */
  | { readonly type: 'refused'; readonly retryAfter: number }
  /** Whoever asked is gone, and has cost nothing. */
  | { readonly type: 'gone' };

interface Waiting {
  readonly cost: number;
  readonly serve: () => void;
}

/**
 * A token bucket with a queue before it: "traffic shaping" in "IoT Hub quotas and throttling". A burst is let through, then calls are
 * served at the limit's rate in the order they came, then they are refused.
 *
 * A call goes ahead as soon as there is one token, whatever it costs: it may leave the bucket in debt, and those behind it wait for
 * that. So a call that costs more than a whole burst is still possible, and small calls cannot keep a large one out for ever.
 */
export class ThrottleQueue {
  readonly #limits: QueueLimits;
  readonly #clock: Clock;
  readonly #capacity: number;
  /** In the order they came. */
  readonly #waiting = new Set<Waiting>();
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

  /** Waits for a turn. A call whose signal aborts leaves the queue, and those behind it move up. */
  async enter(cost: number, signal: AbortSignal): Promise<Turn> {
    if (signal.aborted) return { type: 'gone' };
    this.#fill();
    if (this.#waiting.size === 0 && this.#tokens >= 1) {
      this.#tokens -= cost;
      return { type: 'served' };
    }
    const wait = this.#secondsUntil(this.#waitingCost + 1);
    const { queue } = this.#limits;
    // One second more where it comes out even: whoever comes back then finds room, however the numbers were rounded.
    if (wait > queue) return { type: 'refused', retryAfter: Math.floor(wait - queue) + 1 };
    return new Promise((resolve) => {
      const leave = () => {
        this.#remove(waiting);
        resolve({ type: 'gone' });
      };
      const waiting: Waiting = {
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

  #remove(waiting: Waiting): void {
    if (this.#waiting.delete(waiting)) this.#waitingCost -= waiting.cost;
  }

  /** How long until there will have been so many tokens. */
  #secondsUntil(tokens: number): number {
    return Math.max(0, tokens - this.#tokens) / this.#limits.perSecond;
  }

  #fill(): void {
    const now = this.#clock.now().getTime();
    this.#tokens += (Math.max(0, now - this.#filledAt) / 1000) * this.#limits.perSecond;
    this.#filledAt = now;
    // What has come in since the queue's head should have been served is for those who wait: a late timer must not lower the rate.
    if (this.#waiting.size === 0) this.#tokens = Math.min(this.#tokens, this.#capacity);
  }
}
