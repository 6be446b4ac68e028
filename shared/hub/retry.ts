import { handleWhenResult, retry } from 'cockatiel';
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
  const transientProblems = handleWhenResult((outcome) => isWorthRetrying(outcome as Attempt<T>));
  const policy = retry(transientProblems, { maxAttempts: retries });
  // The library waits with the timers of the computer. So it retries without a delay, and this code waits with the given clock.
  const outcome = await policy.execute(async ({ attempt: retriesBefore }) => {
    if (retriesBefore > 0) {
      await clock.sleep(Math.min(longestDelay, firstDelay * 2 ** (retriesBefore - 1) * (0.5 + random())));
    }
    return attempt();
  });
  return outcome.ok ? outcome : { ok: false, problem: outcome.problem };
}

function isWorthRetrying(outcome: Attempt<unknown>): boolean {
  if (outcome.ok || 'final' in outcome) return false;
  return outcome.problem.type === 'throttled' || outcome.problem.type === 'transient';
}
