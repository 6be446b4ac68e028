/**
 * The log to which the reconciler and the sweep write messages. In Azure, the messages go to the log of the function invocation. A message
 * must never contain a secret.
 */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
