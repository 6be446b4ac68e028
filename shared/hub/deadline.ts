import { AsyncLocalStorage } from 'node:async_hooks';

/** How long a call may take, in milliseconds. */
export interface CallTimeouts {
  /** From the first byte sent to the last one received. */
  readonly deadline: number;
  /** Without a byte from the hub; the connection's own time-out unless given. */
  readonly idleTimeout?: number;
}

export interface OngoingCall {
  /** Aborts when the deadline has passed. */
  readonly signal: AbortSignal;
  readonly patience: CallTimeouts;
}

/** The SDK takes no signal and gives no request away; what belongs to a call reaches the HTTPS agent under it by this. */
const ongoing = new AsyncLocalStorage<OngoingCall>();

/** The call that is being made by whoever asks. */
export const currentCall = (): OngoingCall | undefined => ongoing.getStore();

/** What timers hold. */
const longestTimer = 2 ** 31 - 1;

/** Makes a call, and rejects when it has not come to its end by the deadline; the HTTP request under it is then broken off. */
export async function withDeadline<T>(patience: CallTimeouts, call: () => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => {
      const error = new Error(`IoT Hub did not answer within ${patience.deadline} ms.`);
      late.reject(error);
      abort.abort(error);
    },
    Math.min(patience.deadline, longestTimer),
  );
  try {
    return await Promise.race([ongoing.run({ signal: abort.signal, patience }, call), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
