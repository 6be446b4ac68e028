import { ApiProblem } from './problem.ts';

/** A limit for the number of requests per minute: a token bucket. */
export interface RateLimit {
  /**
   * Counts one request.
   *
   * @throws {ApiProblem} with status 429 and the time of the next possible request, when there were too many.
   */
  take(): void;
}

/** Creates a rate limit that allows `burst` requests at once, and `perMinute` more in each minute. */
export function createRateLimit({
  burst,
  perMinute,
  now,
}: {
  readonly burst: number;
  readonly perMinute: number;
  now(): Date;
}): RateLimit {
  let tokens = burst;
  let at = now().getTime();
  return {
    take() {
      const time = now().getTime();
      tokens = Math.min(burst, tokens + (Math.max(0, time - at) / 60_000) * perMinute);
      at = time;
      if (tokens < 1) {
        const retryAfter = Math.ceil(((1 - tokens) * 60) / perMinute);
        throw new ApiProblem(
          'tooMany',
          `Too many requests: this instance answers ${perMinute} such requests a minute, because each makes hub calls. Try again in ${retryAfter} s.`,
          { retryAfter },
        );
      }
      tokens -= 1;
    },
  };
}
