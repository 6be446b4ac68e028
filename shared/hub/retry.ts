import pRetry from 'p-retry';
import type { Clock } from '../clock.ts';
import type { Answer, Problem } from './hub.ts';

export interface RetryOptions {
  /** Attempts after the first. */
  readonly retries: number;
  /** Milliseconds before the first retry; doubles with each, and is jittered by half. */
  readonly firstDelay: number;
  readonly longestDelay: number;
}

/** What came of one attempt. One that is final is not repeated, whatever its problem. */
export type Attempt<T> = Answer<T> | { readonly ok: false; readonly problem: Problem; readonly final: true };

/**
 * Makes attempts until one is answered, for as long as asking again can help: throttled and transient problems are retried after a growing
 * delay, all others are given back at once. The last problem is given back as it is. `Retry-After` is not waited for here: the budget that
 * an attempt draws from sees to that, for all calls of the class.
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
        // The waiting is ours, so that it goes by the clock that was given.
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

/** Carries a problem through p-retry, which passes on `Error`s only. */
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
