import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen, type IBackoff } from 'cockatiel';
import type { Clock } from '../clock.ts';

export interface BreakerOptions {
  /** Number of calls that fail one after the other until the breaker opens. */
  readonly failures: number;
  /** Milliseconds for which the breaker stays open at first. Each probe that fails doubles the time, up to {@link longestOpen}. */
  readonly openFor: number;
  readonly clock: Clock;
  /** Returns a random number from 0 to 1, for the jitter of times. */
  readonly random: () => number;
  /** Whether an error means that the hub does not answer at all. An error that the hub answered with means that it works. */
  readonly isOutage: (error: unknown) => boolean;
}

/** Maximum milliseconds between two probes. */
const longestOpen = 60_000;

/**
 * The shortest and the longest wait, in milliseconds, until work that was put off is tried again. The longer the hub has not answered, the longer
 * the work waits. Otherwise the work of a long outage would come out of the queue again every few seconds.
 */
const shortestPutOff = 15_000;
const longestPutOff = 240_000;

/**
 * A circuit breaker for the calls to a hub. After some calls without an answer it opens, and no call is sent. Then one call is sent as a probe:
 * when the hub answers, the breaker closes.
 */
export class HubBreaker {
  readonly #options: BreakerOptions;
  readonly #breaker: ReturnType<typeof circuitBreaker>;
  /** Since when the hub does not answer, in milliseconds, and the first error that opened the breaker. `undefined` while the breaker is closed. */
  #opened: { readonly at: number; readonly error: unknown } | undefined;
  /** When the next probe may be sent, in milliseconds. */
  #probeAt = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#breaker = circuitBreaker(handleWhen(options.isOutage), {
      halfOpenAfter: { next: () => this.#backoff(options.openFor) },
      breaker: new ConsecutiveBreaker(options.failures),
    });
    this.#breaker.onBreak((reason) => {
      this.#opened ??= { at: this.#now(), error: 'error' in reason ? reason.error : undefined };
    });
    this.#breaker.onReset(() => {
      this.#opened = undefined;
    });
  }

  /**
   * The milliseconds after which work should be tried again, when no call can be sent now. 0 when a call can be sent.
   */
  get putOff(): number {
    const { state } = this.#breaker;
    const isSending = state === CircuitState.Closed || (state === CircuitState.Open && this.#now() >= this.#probeAt);
    if (isSending) return 0;
    const age = this.#now() - (this.#opened?.at ?? this.#now());
    const wait = Math.min(longestPutOff, Math.max(shortestPutOff, age / 2));
    return Math.round(wait * (0.75 + this.#options.random() / 2));
  }

  /** Since when the hub does not answer, and the error of the call that opened the breaker. `undefined` while the hub answers. */
  get outage(): { readonly since: Date; readonly error: unknown } | undefined {
    return this.#opened && { since: new Date(this.#opened.at), error: this.#opened.error };
  }

  /**
   * Makes a call, and counts whether the hub answered. Rejects with the error of the call.
   * @throws {BrokenCircuitError} when {@link putOff} is above 0
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    // The library counts an error that is no outage neither as a failure nor as a success. But it is an answer of the hub, so it ends the row of
    // failures.
    const answer = await this.#breaker.execute(async () => {
      try {
        return { value: await call() };
      } catch (error) {
        if (this.#options.isOutage(error)) throw error;
        return { error };
      }
    });
    if ('error' in answer) throw answer.error;
    return answer.value;
  }

  /**
   * How long the breaker stays open, and after the next failed probe. The library measures with the time of the computer. So the duration is 0
   * as soon as the time is over by the given clock, and infinite before.
   */
  #backoff(duration: number): IBackoff<unknown> {
    const now = () => this.#now();
    const probeAt = now() + duration * (0.75 + this.#options.random() / 2);
    this.#probeAt = probeAt;
    return {
      get duration() {
        return now() >= probeAt ? 0 : Number.POSITIVE_INFINITY;
      },
      next: () => this.#backoff(Math.min(longestOpen, duration * 2)),
    };
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
