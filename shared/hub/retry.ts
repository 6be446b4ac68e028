import pRetry from 'p-retry';
import type { Clock } from '../clock.ts';
import type { Answer, Problem } from './hub.ts';

export interface RetryOptions {
  /** Maximum number of attempts of a call after the first attempt. */
  readonly retries: number;
  /** Milliseconds before the first retry. The delay doubles with each retry, and varies by ±50 % at random. */
  readonly firstDelay: number;
  /** Maximum milliseconds between two attempts. */
  readonly longestDelay: number;
}

/** The retries of a call of the hub, unless the caller of `connectToHub` says otherwise. */
export const retryDefaults: RetryOptions = { retries: 4, firstDelay: 500, longestDelay: 10_000 };

/** The result of one attempt of a call. A problem with `final` is never retried. */
export type Attempt<T> = Answer<T> | { readonly ok: false; readonly problem: Problem; readonly final: true };

/**
 * Calls `attempt` until it succeeds, fails with a problem that a retry cannot solve, or has no retry left. Throttled and transient
 * problems are retried after a growing delay. Returns the result of the last attempt. `Retry-After` is not handled here, because the
 * budget delays all calls of the same class.
 */
export async function withRetries<T>(
  attempt: () => Promise<Attempt<T>>,
  { retries, firstDelay, longestDelay }: RetryOptions,
  clock: Clock,
  random: () => number,
): Promise<Answer<T>> {
  try {
    const value = await pRetry(
      async () => {
        const outcome = await attempt();
        if (outcome.ok) return outcome.value;
        throw new AttemptFailed(outcome.problem, 'final' in outcome);
      },
      {
        retries,
        // `p-retry` must not wait. `onFailedAttempt` waits with the given clock instead.
        minTimeout: 0,
        maxTimeout: 0,
        shouldRetry: ({ error }) => error instanceof AttemptFailed && error.worthRetrying,
        onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
          if (!(error instanceof AttemptFailed) || !error.worthRetrying || retriesLeft === 0) return;
          await clock.sleep(Math.min(longestDelay, firstDelay * 2 ** (attemptNumber - 1) * (0.5 + random())));
        },
      },
    );
    return { ok: true, value };
  } catch (error) {
    if (error instanceof AttemptFailed) return { ok: false, problem: error.problem };
    throw error;
  }
}

/** An `Error` that contains a problem. `p-retry` can handle only `Error` objects. */
class AttemptFailed extends Error {
  override readonly name = 'AttemptFailed';
  readonly problem: Problem;
  readonly worthRetrying: boolean;

  constructor(problem: Problem, final: boolean) {
    super(`A call to IoT Hub failed: ${problem.message}`);
    this.problem = problem;
    this.worthRetrying = !final && (problem.type === 'throttled' || problem.type === 'transient');
  }
}
