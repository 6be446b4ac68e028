import type { InvocationContext } from '@azure/functions';
import type { Log } from '../shared/log.ts';

/** What logs: the context of one invocation, or the console. */
export type LogContext = Pick<InvocationContext, 'info' | 'warn' | 'error'>;

/** Wraps the log of one invocation as a `Log`, the interface that the code in `shared` writes to. */
export function toLog(context: LogContext): Log {
  return {
    info: (message) => context.info(message),
    warn: (message) => context.warn(message),
    error: (message) => context.error(message),
  };
}
