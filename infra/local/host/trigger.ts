/** The types that all triggers share. */
import type { Invoker } from './invoker.ts';
import type { Log } from './log.ts';
import type { Environment, HostJson } from './settings.ts';
import type { Capabilities } from './trigger-data.ts';

/** A function and the options of its trigger. In the options, the `%SETTING%` expressions have already been replaced by their values. */
export interface TriggeredFunction {
  readonly name: string;
  /** The binding's type in lower case: `eventhubtrigger`, `queuetrigger`, `timertrigger`, `httptrigger`. */
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The parts of the function host that triggers use. */
export interface TriggerHost {
  readonly hostJson: HostJson;
  readonly environment: Environment;
  readonly invoker: Invoker;
  readonly capabilities: Capabilities;
  readonly log: Log;
  /** Seconds for which a queue message stays invisible while this host works on it. The host renews the claim when half of it has passed. */
  readonly queueClaimSeconds: number;
  /** Identifies this app in the storage account, because several apps can share the account. */
  readonly hostId: string;
}

/** A running trigger of one function. */
export interface Trigger {
  /** Starts no new invocations. Running invocations continue. */
  stop(): void;
  /**
   * Closes connections and releases leases. The host calls `close` when its invocations have ended, or when it no longer waits for them.
   */
  close(): Promise<void>;
  /** Runs the function now. The schedule does not change. Absent when the trigger cannot run the function on request. */
  runNow?(): Promise<void>;
}

/** Resolves after `ms` milliseconds, or as soon as the signal is aborted. */
export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
