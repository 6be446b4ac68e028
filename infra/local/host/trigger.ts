/** What the triggers have in common: one function with its trigger's options resolved, and what they are started with. */
import type { Invoker } from './invoker.ts';
import type { Log } from './log.ts';
import type { Environment, HostJson } from './settings.ts';
import type { Capabilities } from './trigger-data.ts';

/** A function that is to be fired, with every `%SETTING%` in its trigger's options replaced. */
export interface TriggeredFunction {
  readonly name: string;
  /** The binding's type in lower case: `eventhubtrigger`, `queuetrigger`, `timertrigger`, `httptrigger`. */
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface TriggerHost {
  readonly hostJson: HostJson;
  readonly environment: Environment;
  readonly invoker: Invoker;
  readonly capabilities: Capabilities;
  readonly log: Log;
  /** Stands for this app in the storage account, where several apps can share one. */
  readonly hostId: string;
}

/** A running trigger. */
export interface Trigger {
  /** No new invocation starts from here on. Those that run go on. */
  stop(): void;
  /** Lets go of connections, checkpoints and leases. Called when no invocation runs any more, or waiting was given up. */
  close(): Promise<void>;
  /** Runs the function now, beside whatever else fires it. */
  runNow?(): Promise<void>;
}

/** Resolves after the time, or at once when the signal is aborted. */
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
