import type { Clock } from '../clock.ts';
import { AdaptiveRate } from './adaptive-rate.ts';
import type { Lane } from './hub.ts';

export interface BucketOptions {
  /** Calls per second at best. */
  readonly perSecond: number;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

/** Leave to make one call. */
export interface Permit {
  readonly granted: true;
  /** To be told when the hub had no room for it; it may have asked to be left alone for so many milliseconds. */
  refused(retryAfter?: number): void;
}

/** No leave: the call would have to wait for `retryAfter` milliseconds, longer than the caller can. */
export interface Refusal {
  readonly granted: false;
  readonly retryAfter: number;
}

/** A sweep of a compliant hub makes about so many calls of a class: they need not wait for each other. */
const smallestBurst = 10;

/** Tokens that the sweep leaves, so that an event finds one at once. */
const keptForEvents = 2;

/** While the sweep waits, every so manieth call is its own. */
const sweepsTurn = 10;

/** What a hub asks for beyond this is taken for a mistake, and timers hold no more than 24 days. */
const longestPause = 3_600_000;
const longestSleep = 60_000;

const lanes = ['events', 'sweep'] as const satisfies readonly Lane[];

/** Up to this part is added to what the hub asks for: instances that were refused together must not come back together. */
const jitter = 0.1;

interface Waiter {
  /** When it gives up, in the clock's milliseconds. */
  readonly until: number;
  readonly settle: (outcome: Permit | Refusal) => void;
}

/**
 * The budget of one class of operations: a token bucket whose rate adapts to what the hub refuses, with two lanes waiting at it. Events go
 * first; the sweep has what they leave, but never nothing. Those of one lane go in the order in which they came.
 *
 * It keeps no timer but the clock's sleep until the next can go, and none while nobody waits.
 */
export class Bucket {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #rate: AdaptiveRate;
  readonly #fullBurst: number;
  readonly #waiting: Record<Lane, Waiter[]> = { events: [], sweep: [] };
  #tokens: number;
  /** When tokens were counted last. */
  #counted: number;
  /** Until when the hub asked to be left alone. */
  #closedUntil: number;
  /** Counts how often the rate has been halved: calls from before the last time tell nothing new by being refused too. */
  #round = 0;
  /** Events that went before a waiting sweep. */
  #passed = 0;
  /** No later than the first deadline of those who wait. */
  #firstDeadline = Number.POSITIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;
  /** By how much the clock has been set back so far. */
  #setBack = 0;
  /** When the next sleep ends. */
  #wakesAt = Number.POSITIVE_INFINITY;

  constructor({ perSecond, clock, random }: BucketOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#rate = new AdaptiveRate(perSecond / 1000);
    this.#fullBurst = Math.max(smallestBurst, perSecond) + keptForEvents;
    this.#tokens = this.#fullBurst;
    this.#counted = this.#now();
    this.#closedUntil = this.#counted;
  }

  /** Calls per second at present. */
  get perSecond(): number {
    return this.#rate.at(this.#now()) * 1000;
  }

  /**
   * Leave to make one call, when its turn comes. Refused at once where that would be later than in `longestWait` milliseconds, and as soon
   * as it turns out so.
   */
  acquire(lane: Lane, longestWait: number): Promise<Permit | Refusal> {
    const wait = this.waitFor(lane);
    if (wait > longestWait) return Promise.resolve({ granted: false, retryAfter: wait });
    return new Promise((settle) => {
      const until = this.#now() + longestWait;
      this.#firstDeadline = Math.min(this.#firstDeadline, until);
      this.#waiting[lane].push({ until, settle });
      this.#serve();
    });
  }

  /** How long the next call of a lane would wait, in milliseconds, as far as can be told now. */
  waitFor(lane: Lane): number {
    const now = this.#count();
    return this.#waitBehind(now, lane, this.#waiting[lane].length);
  }

  /** Milliseconds until one can go who has so many of its lane before it. */
  #waitBehind(now: number, lane: Lane, before: number): number {
    const { events, sweep } = this.#waiting;
    const tokens =
      lane === 'events'
        ? before + 1 + (sweep.length > 0 ? Math.floor((this.#passed + before) / (sweepsTurn - 1)) : 0)
        : Math.min(before + 1 + events.length + this.#kept(now), (before + 1) * sweepsTurn);
    return this.#timeFor(now, tokens);
  }

  /** Milliseconds until there are so many tokens, if none is taken. */
  #timeFor(now: number, tokens: number): number {
    const closed = Math.max(0, this.#closedUntil - now);
    const missing = tokens - this.#tokens;
    return missing <= 0 ? closed : closed + Math.ceil(missing / this.#rate.at(Math.max(now, this.#closedUntil)));
  }

  /** Lets go who can, and sleeps until the next can. */
  #serve(): void {
    const now = this.#count();
    for (
      let next = this.#next(now);
      next !== undefined && this.#timeFor(now, next.needs) <= 0;
      next = this.#next(now)
    ) {
      const waiter = this.#waiting[next.lane].shift();
      this.#tokens -= 1;
      if (next.lane === 'sweep' || this.#waiting.sweep.length === 0) this.#passed = 0;
      else this.#passed += 1;
      waiter?.settle(this.#permit());
    }
    if (this.#firstDeadline < now) this.#dismiss(now, ({ until }) => until < now);
    this.#sleep(now);
  }

  /** Tells those who cannot wait so long when there will be room. What they would have waited for goes to those behind them. */
  #dismiss(now: number, tooLate: (waiter: Waiter, wait: number) => boolean): void {
    this.#firstDeadline = Number.POSITIVE_INFINITY;
    for (const lane of lanes) {
      const staying: Waiter[] = [];
      for (const waiter of this.#waiting[lane]) {
        const wait = this.#waitBehind(now, lane, staying.length);
        if (tooLate(waiter, wait)) waiter.settle({ granted: false, retryAfter: wait });
        else {
          staying.push(waiter);
          this.#firstDeadline = Math.min(this.#firstDeadline, waiter.until);
        }
      }
      this.#waiting[lane] = staying;
    }
  }

  /** Whose turn it is, and how many tokens must be there for it. */
  #next(now: number): { readonly lane: Lane; readonly needs: number } | undefined {
    const { events, sweep } = this.#waiting;
    if (sweep.length > 0 && this.#passed >= sweepsTurn - 1) return { lane: 'sweep', needs: 1 };
    if (events.length > 0) return { lane: 'events', needs: 1 };
    return sweep.length > 0 ? { lane: 'sweep', needs: 1 + this.#kept(now) } : undefined;
  }

  #sleep(now: number): void {
    const next = this.#next(now);
    if (next === undefined) return;
    const untilDeadline = this.#firstDeadline + 1 - now;
    const milliseconds = Math.max(1, Math.min(this.#timeFor(now, next.needs), untilDeadline, longestSleep));
    const wakesAt = now + milliseconds;
    if (wakesAt >= this.#wakesAt) return;
    this.#wakesAt = wakesAt;
    void this.#clock.sleep(milliseconds).then(() => {
      // An earlier one has been begun since.
      if (this.#wakesAt !== wakesAt) return;
      this.#wakesAt = Number.POSITIVE_INFINITY;
      this.#serve();
    });
  }

  #permit(): Permit {
    const round = this.#round;
    return { granted: true, refused: (retryAfter) => this.#refused(round, retryAfter) };
  }

  #refused(round: number, retryAfter = 0): void {
    const now = this.#count();
    const pause = Math.min(longestPause, retryAfter);
    const until = Math.max(this.#closedUntil, now + Math.ceil(pause + pause * jitter * this.#random()));
    if (round === this.#round) {
      this.#rate.refuse(now, until);
      this.#round += 1;
      this.#tokens = pause > 0 ? 1 : 0;
    } else if (until > this.#closedUntil) {
      this.#rate.postpone(until);
    }
    this.#closedUntil = until;
    this.#dismiss(now, (waiter, wait) => now + wait > waiter.until);
    this.#sleep(now);
  }

  /** Counts the tokens that have come since the last time. None come while the hub wants to be left alone. */
  #count(): number {
    const now = this.#now();
    const from = Math.max(this.#counted, Math.min(now, this.#closedUntil));
    const burst = this.#burst(now);
    this.#tokens = Math.min(burst, this.#tokens + this.#rate.at(now) * Math.max(0, now - from));
    this.#counted = now;
    return now;
  }

  /** Shrinks with the rate: a burst is what a hub refuses that has little room. */
  #burst(now: number): number {
    return Math.max(1, (this.#fullBurst * this.#rate.at(now)) / this.#rate.configured);
  }

  #kept(now: number): number {
    return Math.min(keptForEvents, this.#burst(now) - 1);
  }

  /** Milliseconds that only ever grow: a clock that is set back must not keep anyone waiting for what it says. */
  #now(): number {
    const time = this.#clock.now().getTime() + this.#setBack;
    if (time < this.#latest) this.#setBack += this.#latest - time;
    else this.#latest = time;
    return this.#latest;
  }
}
