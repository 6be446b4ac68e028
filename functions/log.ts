import type { InvocationContext } from '@azure/functions';
import type { Log } from '../shared/log.ts';

/** Wraps the log of one invocation as a `Log`, the interface that the code in `shared` writes to. */
export function toLog(context: InvocationContext): Log {
  return {
    info: (message) => context.info(message),
    warn: (message) => context.warn(message),
    error: (message) => context.error(message),
  };
}
