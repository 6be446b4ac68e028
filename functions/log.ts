import type { InvocationContext } from '@azure/functions';
import type { Log } from '../shared/log.ts';

/** Wraps the log of one invocation as the `Log` that the rooms of `shared` write to. */
export function toLog(context: InvocationContext): Log {
  return {
    info: (message) => context.info(message),
    warn: (message) => context.warn(message),
    error: (message) => context.error(message),
  };
}
