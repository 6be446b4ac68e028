/** The log of the reconciler. In Azure, this is the log of the function invocation. A message must never hold a secret. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
