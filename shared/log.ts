/** Where the reconciler says what it does. In Azure this is the invocation's own log. No secret may be put into a message. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
