import { AsyncLocalStorage } from 'node:async_hooks';

/** The time limits of one call to the hub, in milliseconds. */
export interface CallTimeouts {
  /** Maximum milliseconds of the whole call to the hub. */
  readonly deadline: number;
  /** Maximum milliseconds without a byte from the hub. Default: the idle time-out of the connection. */
  readonly idleTimeout?: number;
}

/** A call to the hub that has no answer yet. */
export interface CurrentCall {
  /** A signal that aborts the HTTP request of the call at the deadline. */
  readonly signal: AbortSignal;
  readonly timeouts: CallTimeouts;
}

/**
 * Passes the signal and the time limits of a call to the HTTPS agent. The SDK cannot pass them: it accepts no signal and hides its
 * requests.
 */
const calls = new AsyncLocalStorage<CurrentCall>();

/** The call to the hub for which the present code runs. `undefined` outside of {@link withDeadline}. */
export const currentCall = (): CurrentCall | undefined => calls.getStore();

/** The longest delay that a Node.js timer accepts, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** Makes a call to the hub with time limits. At the deadline, the returned promise rejects and the HTTP request is aborted. */
export async function withDeadline<T>(timeouts: CallTimeouts, call: () => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => {
      const error = new Error(`IoT Hub did not answer within ${timeouts.deadline} ms.`);
      late.reject(error);
      abort.abort(error);
    },
    Math.min(timeouts.deadline, longestTimer),
  );
  try {
    return await Promise.race([calls.run({ signal: abort.signal, timeouts }, call), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
