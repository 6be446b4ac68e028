import type { RestError, TableServiceClientOptions } from '@azure/data-tables';

/** The limits of one operation on a table or a queue. The SDK makes the operation, with its retries. */
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
