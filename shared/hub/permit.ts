/** Permission to make one call to the hub. */
export interface Permit {
  readonly granted: true;
  /**
   * The caller must call this method when the hub answers the call with 429. `retryAfter` is the `Retry-After` of the hub in milliseconds.
   */
  refused(retryAfter?: number): void;
}

/** No permission to make a call. The call would have to wait `retryAfter` milliseconds, and the caller cannot wait that long. */
export interface Refusal {
  readonly granted: false;
  readonly retryAfter: number;
}
