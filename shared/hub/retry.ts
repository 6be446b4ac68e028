import pRetry from 'p-retry';
import type { Clock } from '../clock.ts';
import type { Answer, Problem } from './hub.ts';

export interface RetryOptions {
  /** Maximum number of attempts after the first. */
  readonly retries: number;
  /** Milliseconds before the first retry. Doubles with each retry. The jitter is ±50 %. */
  readonly firstDelay: number;
  /** Maximum milliseconds before a retry. */
  readonly longestDelay: number;
}

/** The result of one attempt. A `final` problem is not retried, whatever its type. */
export type Attempt<T> = Answer<T> | { readonly ok: false; readonly problem: Problem; readonly final: true };

/**
 * Calls `attempt` until it succeeds, fails with a problem that a retry cannot solve, or the retries are used up. Throttled and transient
 * problems are retried after a growing delay. The last problem is returned. `Retry-After` is not handled here: the budget delays all
 * calls of the class.
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
        // p-retry must not wait. `onFailedAttempt` waits with the given clock.
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

/** Carries a problem through p-retry, which handles only `Error` objects. */
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
