import type { Clock } from '../clock.ts';
import { AdaptiveRate } from './adaptive-rate.ts';
import type { Lane } from './hub.ts';

export interface BucketOptions {
  /** Maximum calls per second. */
  readonly perSecond: number;
  readonly clock: Clock;
  /** Random numbers from 0 to 1, for jitter. */
  readonly random: () => number;
}

/** Permission to make one call. */
export interface Permit {
  readonly granted: true;
  /** The caller must call this when the hub throttled the call. `retryAfter` is the hub's `Retry-After` in milliseconds. */
  refused(retryAfter?: number): void;
}

/** No permission: the call would have to wait `retryAfter` milliseconds, which is longer than the caller can wait. */
export interface Refusal {
  readonly granted: false;
  readonly retryAfter: number;
}

/** Minimum size of the bucket, in calls. A sweep of a compliant hub makes about ten calls of one class. */
const minBurst = 10;

/** Tokens of the bucket that only events can use, so that an event need not wait. */
const reservedForEvents = 2;

/** While both lanes wait, one call in this many goes to the sweep. */
const sweepInterval = 10;

/** Maximum milliseconds for which the bucket closes. A longer `Retry-After` is considered a mistake of the hub. */
const longestPause = 3_600_000;

/** Maximum milliseconds of one sleep. A Node.js timer can hold at most 24 days. */
const longestSleep = 60_000;

const lanes = ['events', 'sweep'] as const satisfies readonly Lane[];

/** `Retry-After` is extended by up to this fraction, so that instances that were refused together do not return together. */
const jitter = 0.1;

/** A caller that waits for its permit. */
interface Waiter {
  /** Time at which the caller stops waiting, in milliseconds. */
  readonly until: number;
  readonly settle: (outcome: Permit | Refusal) => void;
}

/**
 * The budget of one class of operations: a token bucket with an adaptive rate and two lanes. Each call takes one token. Events go first.
 * The sweep gets the rest, and one call in ten while both lanes wait. Calls of one lane go in the order of their arrival.
 *
 * The bucket sleeps until the next call can go. It does not sleep while nobody waits.
 */
export class OperationBudget {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #rate: AdaptiveRate;
  readonly #fullBurst: number;
  readonly #waiting: Record<Lane, Waiter[]> = { events: [], sweep: [] };
  #tokens: number;
  /** Time at which tokens were last added. */
  #refilledAt: number;
  /** The bucket grants no permit before this time, because the hub sent a `Retry-After`. */
  #closedUntil: number;
  /** Number of times that the rate was halved. A call that got its permit before the last halving does not halve the rate again. */
  #halvings = 0;
  /** Permits that went to events since the sweep's last permit, while the sweep was waiting. */
  #eventsBeforeSweep = 0;
  /** No waiting caller has a deadline before this time. The time may be earlier than the first deadline. */
  #firstDeadline = Number.POSITIVE_INFINITY;
  /** The latest time that {@link #now} has returned. */
  #latest = Number.NEGATIVE_INFINITY;
  /** Milliseconds by which the clock was set back in total. */
  #setBack = 0;
  /** Time at which the current sleep ends, in milliseconds. */
  #wakesAt = Number.POSITIVE_INFINITY;

  constructor({ perSecond, clock, random }: BucketOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#rate = new AdaptiveRate(perSecond / 1000);
    this.#fullBurst = Math.max(minBurst, perSecond) + reservedForEvents;
    this.#tokens = this.#fullBurst;
    this.#refilledAt = this.#now();
    this.#closedUntil = this.#refilledAt;
  }

  /** The present rate in calls per second. */
  get perSecond(): number {
    return this.#rate.at(this.#now()) * 1000;
  }

  /**
   * Waits for permission to make one call. Resolves with a refusal as soon as the wait is expected to exceed `longestWait`
   * milliseconds.
   */
  acquire(lane: Lane, longestWait: number): Promise<Permit | Refusal> {
    const wait = this.waitFor(lane);
    if (wait > longestWait) return Promise.resolve({ granted: false, retryAfter: wait });
    return new Promise((settle) => {
      const until = this.#now() + longestWait;
      this.#firstDeadline = Math.min(this.#firstDeadline, until);
      this.#waiting[lane].push({ until, settle });
      this.#grant();
    });
  }

  /** The estimated wait of the next call of a lane, in milliseconds. */
  waitFor(lane: Lane): number {
    const now = this.#refill();
    return this.#waitBehind(now, lane, this.#waiting[lane].length);
  }

  /** The estimated wait in milliseconds of a call with `before` calls of its lane in front of it. */
  #waitBehind(now: number, lane: Lane, before: number): number {
    const { events, sweep } = this.#waiting;
    const sweepCalls = sweep.length > 0 ? Math.floor((this.#eventsBeforeSweep + before) / (sweepInterval - 1)) : 0;
    const tokens =
      lane === 'events'
        ? before + 1 + sweepCalls
        : Math.min(before + 1 + events.length + this.#reserved(now), (before + 1) * sweepInterval);
    return this.#timeFor(now, tokens);
  }

  /** Milliseconds until the bucket has this many tokens, if no call takes one. */
  #timeFor(now: number, tokens: number): number {
    const closed = Math.max(0, this.#closedUntil - now);
    const missing = tokens - this.#tokens;
    return missing <= 0 ? closed : closed + Math.ceil(missing / this.#rate.at(Math.max(now, this.#closedUntil)));
  }

  /** Grants all permits that are due, then sleeps until the next is due. */
  #grant(): void {
    const now = this.#refill();
    for (
      let next = this.#next(now);
      next !== undefined && this.#timeFor(now, next.needs) <= 0;
      next = this.#next(now)
    ) {
      const waiter = this.#waiting[next.lane].shift();
      this.#tokens -= 1;
      if (next.lane === 'sweep' || this.#waiting.sweep.length === 0) this.#eventsBeforeSweep = 0;
      else this.#eventsBeforeSweep += 1;
      waiter?.settle(this.#permit());
    }
    if (this.#firstDeadline < now) this.#refuseWaiters(now, ({ until }) => until < now);
    this.#sleep(now);
  }

  /** Refuses the waiting callers that would be too late, and removes them. The callers behind them move up. */
  #refuseWaiters(now: number, isTooLate: (waiter: Waiter, wait: number) => boolean): void {
    this.#firstDeadline = Number.POSITIVE_INFINITY;
    for (const lane of lanes) {
      const staying: Waiter[] = [];
      for (const waiter of this.#waiting[lane]) {
        const wait = this.#waitBehind(now, lane, staying.length);
        if (isTooLate(waiter, wait)) waiter.settle({ granted: false, retryAfter: wait });
        else {
          staying.push(waiter);
          this.#firstDeadline = Math.min(this.#firstDeadline, waiter.until);
        }
      }
      this.#waiting[lane] = staying;
    }
  }

  /** The lane of the next permit, and the number of tokens that the bucket must have for it. */
  #next(now: number): { readonly lane: Lane; readonly needs: number } | undefined {
    const { events, sweep } = this.#waiting;
    if (sweep.length > 0 && this.#eventsBeforeSweep >= sweepInterval - 1) return { lane: 'sweep', needs: 1 };
    if (events.length > 0) return { lane: 'events', needs: 1 };
    return sweep.length > 0 ? { lane: 'sweep', needs: 1 + this.#reserved(now) } : undefined;
  }

  /** Sleeps until the next permit or the next deadline, unless a sleep that ends earlier is under way. */
  #sleep(now: number): void {
    const next = this.#next(now);
    if (next === undefined) return;
    const untilDeadline = this.#firstDeadline + 1 - now;
    const milliseconds = Math.max(1, Math.min(this.#timeFor(now, next.needs), untilDeadline, longestSleep));
    const wakesAt = now + milliseconds;
    if (wakesAt >= this.#wakesAt) return;
    this.#wakesAt = wakesAt;
    void this.#clock.sleep(milliseconds).then(() => {
      // Another sleep with an earlier end has replaced this one.
      if (this.#wakesAt !== wakesAt) return;
      this.#wakesAt = Number.POSITIVE_INFINITY;
      this.#grant();
    });
  }

  #permit(): Permit {
    const halvings = this.#halvings;
    return { granted: true, refused: (retryAfter) => this.#refused(halvings, retryAfter) };
  }

  /** Handles a throttled call. `halvings` is the number of halvings at the time of its permit. */
  #refused(halvings: number, retryAfter = 0): void {
    const now = this.#refill();
    const pause = Math.min(longestPause, retryAfter);
    const until = Math.max(this.#closedUntil, now + Math.ceil(pause + pause * jitter * this.#random()));
    if (halvings === this.#halvings) {
      this.#rate.refuse(now, until);
      this.#halvings += 1;
      this.#tokens = pause > 0 ? 1 : 0;
    } else if (until > this.#closedUntil) {
      this.#rate.postpone(until);
    }
    this.#closedUntil = until;
    this.#refuseWaiters(now, (waiter, wait) => now + wait > waiter.until);
    this.#sleep(now);
  }

  /** Adds the tokens for the time since the last refill. A closed bucket gains none. Returns the present time. */
  #refill(): number {
    const now = this.#now();
    const from = Math.max(this.#refilledAt, Math.min(now, this.#closedUntil));
    const burst = this.#burst(now);
    this.#tokens = Math.min(burst, this.#tokens + this.#rate.at(now) * Math.max(0, now - from));
    this.#refilledAt = now;
    return now;
  }

  /** Maximum number of tokens. It shrinks with the rate, because a busy hub would refuse a large burst. */
  #burst(now: number): number {
    return Math.max(1, (this.#fullBurst * this.#rate.at(now)) / this.#rate.configured);
  }

  #reserved(now: number): number {
    return Math.min(reservedForEvents, this.#burst(now) - 1);
  }

  /** The time in milliseconds. It never decreases, even when the clock is set back: callers would otherwise wait too long. */
  #now(): number {
    const time = this.#clock.now().getTime() + this.#setBack;
    if (time < this.#latest) this.#setBack += this.#latest - time;
    else this.#latest = time;
    return this.#latest;
  }
}
