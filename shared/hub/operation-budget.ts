import type { Clock } from '../clock.ts';
import { AdaptiveRate } from './adaptive-rate.ts';
import type { Lane } from './hub.ts';
import type { Permit, Refusal } from './permit.ts';

export interface BucketOptions {
  /**
   * The configured rate: the maximum number of calls per second. A short burst of calls may exceed it, because a full bucket has saved
   * tokens.
   */
  readonly perSecond: number;
  readonly clock: Clock;
  /** Returns a random number from 0 to 1, for the jitter of `Retry-After`. */
  readonly random: () => number;
}

/**
 * Minimum number of tokens in a full bucket that both lanes can use. A token is the permission for one call. A sweep without drift makes
 * about ten calls of one class.
 */
const minBurst = 10;

/** Number of tokens in the bucket that only calls for events can use. An event then need not wait for the sweep. */
const reservedForEvents = 2;

/** While calls of both lanes wait, one call in this many is a call of the sweep. */
const sweepInterval = 10;

/** Maximum milliseconds for which the bucket grants no permit after a `Retry-After`. A longer `Retry-After` is cut to this time. */
const longestPause = 3_600_000;

/** Maximum milliseconds of one sleep. A Node.js timer can wait at most 24 days. */
const longestSleep = 60_000;

const lanes = ['events', 'sweep'] as const satisfies readonly Lane[];

/**
 * A `Retry-After` is made longer by a random part of it, up to this fraction. Instances that were refused at the same time then do not
 * call again at the same time.
 */
const jitter = 0.1;

/** A caller that waits for the permission to make a call. */
interface Waiter {
  /** The number of operations of the call. */
  readonly cost: number;
  /** Time at which the caller stops waiting, in milliseconds. */
  readonly until: number;
  readonly settle: (outcome: Permit | Refusal) => void;
}

/**
 * The budget of one class of operations: a token bucket with an adaptive rate and two lanes. Each operation takes one token. A call usually is one
 * operation. A bulk call is as many as it has entries. Calls for events go first. The sweep gets the tokens that events do not need. While calls of both lanes wait, the sweep gets at least one token in ten.
 * Calls of one lane go in the order in which they arrived.
 *
 * The bucket sleeps until the next call can go. It does not sleep while no call waits.
 */
export class OperationBudget {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #rate: AdaptiveRate;
  /** The burst of the whole app: the number of tokens in a full bucket of an instance that is alone. */
  readonly #appBurst: number;
  readonly #waiting: Record<Lane, Waiter[]> = { events: [], sweep: [] };
  /** The number of instances that divide the rate and the burst of the app. */
  #instances = 1;
  #tokens: number;
  /** Time at which tokens were last added, in milliseconds. */
  #refilledAt: number;
  /** The bucket grants no permit before this time, in milliseconds. The time follows from the last `Retry-After` of the hub. */
  #closedUntil: number;
  /** Number of times that the rate was halved. Calls that got their permit before the last halving do not halve the rate again. */
  #halvings = 0;
  /** Number of tokens that events took since the last permit for the sweep. It counts only while a call of the sweep waits. */
  #eventsBeforeSweep = 0;
  /** The first deadline of the waiting callers, or an earlier time, in milliseconds. Infinity when no caller has a deadline. */
  #firstDeadline = Number.POSITIVE_INFINITY;
  /** The latest time in milliseconds that the method {@link #now} has returned. */
  #latest = Number.NEGATIVE_INFINITY;
  /** Total number of milliseconds by which the clock was set back. */
  #setBack = 0;
  /** Time at which the current sleep ends, in milliseconds. Infinity when the bucket does not sleep. */
  #wakesAt = Number.POSITIVE_INFINITY;

  constructor({ perSecond, clock, random }: BucketOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#rate = new AdaptiveRate(perSecond / 1000);
    this.#appBurst = Math.max(minBurst, perSecond) + reservedForEvents;
    this.#tokens = this.#appBurst;
    this.#refilledAt = this.#now();
    this.#closedUntil = this.#refilledAt;
  }

  /** The present rate of the budget, in calls per second. */
  get perSecond(): number {
    return this.#rate.at(this.#now()) * 1000;
  }

  /** The number of operations that one call should have at most. A full bucket lets such a call of either lane go at once. */
  get mostAtOnce(): number {
    return Math.max(1, Math.floor(this.#fullBurst - Math.min(reservedForEvents, Math.max(0, this.#fullBurst - 1))));
  }

  /**
   * Takes an equal part of the app's rate and burst, because so many instances are alive. `isNewcomer`: this instance has just begun to call,
   * and others are alive. It then starts with an empty bucket, because the full buckets of many newcomers would exceed the app's rate.
   */
  divide(instances: number, isNewcomer: boolean): void {
    if (instances === this.#instances && !isNewcomer) return;
    const now = this.#refill();
    const factor = this.#instances / instances;
    this.#instances = instances;
    this.#rate.scale(factor);
    if (isNewcomer) this.#tokens = Math.min(0, this.#tokens);
    else if (factor < 1 && this.#tokens > 0) this.#tokens *= factor;
    this.#refuseWaiters(now, (waiter, wait) => now + wait > waiter.until);
    this.#grant();
  }

  /**
   * Waits for the permission to make one call. `cost` is the number of its operations. When the wait would be longer than `longestWait` milliseconds, the promise resolves with a
   * refusal. This is also checked while the caller waits.
   */
  acquire(lane: Lane, longestWait: number, cost = 1): Promise<Permit | Refusal> {
    const wait = this.waitFor(lane, cost);
    if (wait > longestWait) return Promise.resolve({ granted: false, retryAfter: wait });
    return new Promise((settle) => {
      const until = this.#now() + longestWait;
      this.#firstDeadline = Math.min(this.#firstDeadline, until);
      this.#waiting[lane].push({ cost, until, settle });
      this.#grant();
    });
  }

  /** The estimated number of milliseconds that the next call of a lane must wait. `cost` is the number of its operations. */
  waitFor(lane: Lane, cost = 1): number {
    const now = this.#refill();
    return this.#waitBehind(now, lane, cost + costOf(this.#waiting[lane]));
  }

  /**
   * The estimated number of milliseconds that a call must wait. `cost` is the number of operations of this call and of the calls of the same
   * lane that go before it.
   */
  #waitBehind(now: number, lane: Lane, cost: number): number {
    const { events, sweep } = this.#waiting;
    const [nextOfSweep] = sweep;
    const turn = nextOfSweep?.cost ?? 0;
    const sweepTurns = turn === 0 ? 0 : Math.floor((this.#eventsBeforeSweep + cost - 1) / ((sweepInterval - 1) * turn));
    const tokens =
      lane === 'events'
        ? cost + sweepTurns * turn
        : Math.min(cost + costOf(events) + this.#reserved(now), cost * sweepInterval);
    return this.#timeFor(now, tokens);
  }

  /** Milliseconds until the bucket has this many tokens, when no call takes a token in this time. */
  #timeFor(now: number, tokens: number): number {
    const closed = Math.max(0, this.#closedUntil - now);
    const missing = tokens - this.#tokens;
    return missing <= 0 ? closed : closed + Math.ceil(missing / this.#rate.at(Math.max(now, this.#closedUntil)));
  }

  /** Grants every permit that can be granted now, then sleeps until the next permit. */
  #grant(): void {
    const now = this.#refill();
    for (
      let next = this.#next(now);
      next !== undefined && this.#timeFor(now, next.needs) <= 0;
      next = this.#next(now)
    ) {
      const waiter = this.#waiting[next.lane].shift();
      const cost = waiter?.cost ?? 1;
      this.#tokens -= cost;
      if (next.lane === 'sweep' || this.#waiting.sweep.length === 0) this.#eventsBeforeSweep = 0;
      else this.#eventsBeforeSweep += cost;
      waiter?.settle(this.#permit());
    }
    if (this.#firstDeadline < now) this.#refuseWaiters(now, ({ until }) => until < now);
    this.#sleep(now);
  }

  /** Refuses the waiting callers for which `isTooLate` is true, and removes them. The callers behind them move forward. */
  #refuseWaiters(now: number, isTooLate: (waiter: Waiter, wait: number) => boolean): void {
    this.#firstDeadline = Number.POSITIVE_INFINITY;
    for (const lane of lanes) {
      const staying: Waiter[] = [];
      for (const waiter of this.#waiting[lane]) {
        const wait = this.#waitBehind(now, lane, costOf(staying) + waiter.cost);
        if (isTooLate(waiter, wait)) waiter.settle({ granted: false, retryAfter: wait });
        else {
          staying.push(waiter);
          this.#firstDeadline = Math.min(this.#firstDeadline, waiter.until);
        }
      }
      this.#waiting[lane] = staying;
    }
  }

  /** The lane of the next permit, and the number of tokens that the bucket must have before it grants that permit. */
  #next(now: number): { readonly lane: Lane; readonly needs: number } | undefined {
    const [event] = this.#waiting.events;
    const [sweep] = this.#waiting.sweep;
    // A bucket that a refusal has made small may never hold as many tokens as a call costs. The call then leaves a debt.
    const most = this.#burst(now);
    if (sweep !== undefined && this.#eventsBeforeSweep >= (sweepInterval - 1) * sweep.cost)
      return { lane: 'sweep', needs: Math.min(sweep.cost, most) };
    if (event !== undefined) return { lane: 'events', needs: Math.min(event.cost, most) };
    if (sweep === undefined) return undefined;
    return { lane: 'sweep', needs: Math.min(sweep.cost + this.#reserved(now), most) };
  }

  /**
   * Sleeps until the next permit or the next deadline of a waiting caller. Does nothing when a sleep that ends earlier is already running.
   */
  #sleep(now: number): void {
    const next = this.#next(now);
    if (next === undefined) return;
    const untilDeadline = this.#firstDeadline + 1 - now;
    const milliseconds = Math.max(1, Math.min(this.#timeFor(now, next.needs), untilDeadline, longestSleep));
    const wakesAt = now + milliseconds;
    if (wakesAt >= this.#wakesAt) return;
    this.#wakesAt = wakesAt;
    void this.#clock.sleep(milliseconds).then(() => {
      // When another sleep that ends earlier has replaced this sleep, do nothing.
      if (this.#wakesAt !== wakesAt) return;
      this.#wakesAt = Number.POSITIVE_INFINITY;
      this.#grant();
    });
  }

  #permit(): Permit {
    const halvings = this.#halvings;
    return { granted: true, refused: (retryAfter) => this.#refused(halvings, retryAfter) };
  }

  /** Handles a call that the hub throttled. `halvings` is the number of halvings at the time when the call got its permit. */
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

  /**
   * Adds the tokens for the time since the last refill. No tokens are added for the time in which the bucket grants no permit. Returns the
   * present time in milliseconds.
   */
  #refill(): number {
    const now = this.#now();
    const from = Math.max(this.#refilledAt, Math.min(now, this.#closedUntil));
    const burst = this.#burst(now);
    this.#tokens = Math.min(burst, this.#tokens + this.#rate.at(now) * Math.max(0, now - from));
    this.#refilledAt = now;
    return now;
  }

  get #fullBurst(): number {
    return this.#appBurst / this.#instances;
  }

  /** Maximum number of tokens in the bucket. It becomes smaller with the rate, because a busy hub would refuse many calls at once. */
  #burst(now: number): number {
    return Math.max(1, (this.#fullBurst * this.#rate.at(now)) / this.#rate.configured);
  }

  #reserved(now: number): number {
    return Math.min(reservedForEvents, this.#burst(now) - 1);
  }

  /** The time in milliseconds. It never decreases, even when the clock is set back. With a decreasing time, callers would wait too long. */
  #now(): number {
    const time = this.#clock.now().getTime() + this.#setBack;
    if (time < this.#latest) this.#setBack += this.#latest - time;
    else this.#latest = time;
    return this.#latest;
  }
}

/** The number of operations of several calls. */
function costOf(waiters: readonly Waiter[]): number {
  return waiters.reduce((sum, { cost }) => sum + cost, 0);
}

/** The number of operations that one call should have at most, when one instance has a budget of `perSecond` operations per second. */
export function largestCost(perSecond: number): number {
  return Math.floor(Math.max(minBurst, perSecond));
}
