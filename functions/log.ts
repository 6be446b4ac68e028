import type { InvocationContext } from '@azure/functions';
import type { Log } from '../shared/log.ts';

/** An invocation's log, for those who know nothing of invocations. */
export function toLog(context: InvocationContext): Log {
  return {
    info: (message) => context.info(message),
    warn: (message) => context.warn(message),
    error: (message) => context.error(message),
  };
}
