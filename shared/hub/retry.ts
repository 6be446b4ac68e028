import pRetry from 'p-retry';
import type { Clock } from '../clock.ts';
import { classifyError } from './classify.ts';
import type { Answer } from './hub.ts';

export interface RetryOptions {
  /** Attempts after the first. */
  readonly retries: number;
  /** Milliseconds before the first retry; doubles with each, and is jittered by half. */
  readonly firstDelay: number;
  readonly longestDelay: number;
}

/**
 * Makes a call until it is answered, for as long as asking again can help: throttled and transient problems are retried, with
 * `Retry-After` where the hub sent one; all others are given back at once. The last problem is given back as it is.
 */
export async function withRetries<T>(
  call: () => Promise<T>,
  { retries, firstDelay, longestDelay }: RetryOptions,
  clock: Clock,
  random: () => number,
): Promise<Answer<T>> {
  try {
    const value = await pRetry(
      async () => {
        try {
          return await call();
        } catch (error) {
          throw new CallFailed(error);
        }
      },
      {
        retries,
        // The waiting is ours, so that it goes by the clock that was given.
        minTimeout: 0,
        maxTimeout: 0,
        shouldRetry: ({ error }) => error instanceof CallFailed && error.worthRetrying,
        onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
          if (!(error instanceof CallFailed) || !error.worthRetrying || retriesLeft === 0) return;
          const backoff = Math.min(longestDelay, firstDelay * 2 ** (attemptNumber - 1)) * (0.5 + random());
          const asked = error.problem.type === 'throttled' ? (error.problem.retryAfter ?? 0) : 0;
          await clock.sleep(Math.min(longestDelay, Math.max(backoff, asked)));
        },
      },
    );
    return { ok: true, value };
  } catch (error) {
    if (error instanceof CallFailed) return { ok: false, problem: error.problem };
    throw error;
  }
}

/** p-retry passes on `Error`s only, and takes some `TypeError`s for bugs; this carries any failure through it. */
class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly problem;

  constructor(cause: unknown) {
    super('A call to IoT Hub failed.', { cause });
    this.problem = classifyError(cause);
  }

  get worthRetrying(): boolean {
    return this.problem.type === 'throttled' || this.problem.type === 'transient';
  }
}
