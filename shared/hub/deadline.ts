import { AsyncLocalStorage } from 'node:async_hooks';

/** The time limits of a call, in milliseconds. */
export interface CallTimeouts {
  /** Maximum time of the whole call to the hub. */
  readonly deadline: number;
  /** Maximum time without a byte from the hub. Default: the time-out of the connection. */
  readonly idleTimeout?: number;
}

/** A call that is under way. */
export interface CurrentCall {
  /** A signal that aborts at the deadline of the call. */
  readonly signal: AbortSignal;
  readonly timeouts: CallTimeouts;
}

/** Passes the signal and time limits of a call to the HTTPS agent. The SDK accepts no signal and does not expose its requests. */
const calls = new AsyncLocalStorage<CurrentCall>();

/** The call in whose asynchronous context the caller runs. `undefined` outside of {@link withDeadline}. */
export const currentCall = (): CurrentCall | undefined => calls.getStore();

/** Maximum delay of a Node.js timer, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** Makes a call. At the deadline, the returned promise rejects and the HTTP request is aborted. */
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
