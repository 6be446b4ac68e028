import type { Clock } from '../clock.ts';
import type { Lane } from './hub.ts';
import { type HubTier, messageQuota } from './throttle-limits.ts';

export interface MessageBudgetOptions {
  readonly tier: HubTier;
  readonly units: number;
  /** The fraction of the hub's daily message quota that the app may use: greater than 0 and at most 1. */
  readonly share: number;
  readonly clock: Clock;
  /** The messages that the other instances of the app took from the quota today, as far as this process knows. */
  readonly ofOthers: () => number;
}

/** The part of the app's share that sweeps may use. The rest is for events. */
export const sweepPart = 0.8;

/** Maximum milliseconds until a call that was put off is tried again. The share can be raised, and units can be added to the hub. */
const longestWait = 3_600_000;

/** Milliseconds for which no call is sent after the hub has said that its quota is used up. */
const refusedWait = 900_000;

const day = 86_400_000;

/**
 * The app's share of the daily message quota of the hub. The telemetry of the fleet needs the rest. Twin reads, twin updates and query results
 * take messages. The quota starts again at 00:00 UTC. Source: "Azure IoT Hub billing information".
 */
export class MessageBudget {
  readonly #options: MessageBudgetOptions;
  /** The messages that the app may take in a day. */
  readonly limit: number;
  #day = -1;
  #used = 0;
  /** The hub refuses calls until this time, in milliseconds. */
  #refusedUntil = 0;

  constructor(options: MessageBudgetOptions) {
    this.#options = options;
    this.limit = Math.floor(messageQuota(options.tier, options.units) * options.share);
  }

  /** Counts the messages of a call. */
  spend(messages: number): void {
    this.#used = this.#usedToday() + messages;
  }

  /** Records that the hub refused a call, because its quota is used up. Returns the milliseconds until the next attempt. */
  refused(): number {
    this.#refusedUntil = this.#now() + Math.min(refusedWait, this.#untilMidnight());
    return this.#refusedUntil - this.#now();
  }

  /** The milliseconds that a call of a lane must wait for room in the share. 0 when it may go at once. */
  waitFor(lane: Lane): number {
    const now = this.#now();
    if (now < this.#refusedUntil) return this.#refusedUntil - now;
    const limit = lane === 'sweep' ? this.limit * sweepPart : this.limit;
    return this.#usedToday() + this.#options.ofOthers() < limit ? 0 : Math.min(longestWait, this.#untilMidnight());
  }

  #usedToday(): number {
    const today = Math.floor(this.#now() / day);
    if (today !== this.#day) {
      this.#day = today;
      this.#used = 0;
    }
    return this.#used;
  }

  #untilMidnight(): number {
    return day - (this.#now() % day);
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
