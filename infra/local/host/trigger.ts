/** The types that all triggers share. */
import type { Invoker } from './invoker.ts';
import type { Log } from './log.ts';
import type { Environment, HostJson } from './settings.ts';
import type { Capabilities } from './trigger-data.ts';

/** A function with the options of its trigger. Every `%SETTING%` in them has been replaced. */
export interface TriggeredFunction {
  readonly name: string;
  /** The binding's type in lower case: `eventhubtrigger`, `queuetrigger`, `timertrigger`, `httptrigger`. */
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The parts of the host that triggers use. */
export interface TriggerHost {
  readonly hostJson: HostJson;
  readonly environment: Environment;
  readonly invoker: Invoker;
  readonly capabilities: Capabilities;
  readonly log: Log;
  /** Identifies this app in the storage account, which several apps can share. */
  readonly hostId: string;
}

/** A running trigger. */
export interface Trigger {
  /** Starts no more invocations. Running invocations continue. */
  stop(): void;
  /** Closes connections and releases leases. The host calls this after its invocations have ended or were given up. */
  close(): Promise<void>;
  /** Runs the function now. Its schedule does not change. */
  runNow?(): Promise<void>;
}

/** Resolves after this many milliseconds, or at once when the signal is aborted. */
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
