import type { RestError, TableServiceClientOptions } from '@azure/data-tables';

/** The limits of one operation on a table, a queue or a blob. The SDK makes the operation, with its retries. */
export interface RequestLimits {
  /** Maximum milliseconds of one try. The SDK alone waits without a limit for a service that accepts a request and never answers. */
  readonly tryTimeout: number;
  /** Maximum number of tries after the first try. */
  readonly retries: number;
  /** Milliseconds before the second retry, about. The delay doubles with each further retry. */
  readonly retryDelay: number;
}

/** An operation on a service that never answers then ends after 50 seconds, and a device pass after two such operations at most. */
export const defaultRequestLimits: RequestLimits = { tryTimeout: 10_000, retries: 3, retryDelay: 1_000 };

const longestRetryDelay = 5_000;

type AdditionalPolicies = NonNullable<TableServiceClientOptions['additionalPolicies']>;

/** The options of a client that keep it to the limits. `retryOptions` has the fields of tables and of queues, which differ. */
export function clientOptions(
  { tryTimeout, retries, retryDelay }: RequestLimits,
  RestErrorClass: typeof RestError,
): { readonly retryOptions: object; readonly additionalPolicies: AdditionalPolicies } {
  return {
    retryOptions: {
      maxRetries: retries,
      maxTries: retries + 1,
      retryDelayInMs: retryDelay,
      maxRetryDelayInMs: longestRetryDelay,
    },
    additionalPolicies: [
      {
        position: 'perRetry',
        policy: {
          name: 'tryTimeout',
          async sendRequest(request, next) {
            request.timeout = tryTimeout;
            try {
              return await next(request);
            } catch (error) {
              if (!(error instanceof Error) || error.name !== 'AbortError' || request.abortSignal?.aborted) throw error;
              // The retries of the SDK know this code. They do not retry the error of an aborted request.
              const message = `${new URL(request.url).host} did not answer within ${tryTimeout} ms`;
              throw new RestErrorClass(message, { code: 'ETIMEDOUT', request });
            }
          },
        },
      },
    ],
  };
}

/**
 * Makes an operation on a blob. The clients of a blob account share one pipeline, which takes no policy for the limit of a try. So this function
 * ends a try that takes too long, and makes the next one. The SDK repeats a try that the service refuses for a moment.
 *
 * @param use makes the operation, which must end when the signal is aborted
 */
export async function withTries<T>(
  { tryTimeout, retries }: RequestLimits,
  url: string,
  use: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (let left = retries; ; left--) {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), tryTimeout);
    try {
      return await use(abort.signal);
    } catch (error) {
      if (!abort.signal.aborted) throw error;
      if (left <= 0) throw new Error(`${new URL(url).host} did not answer within ${tryTimeout} ms`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}
