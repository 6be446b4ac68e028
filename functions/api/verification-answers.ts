/** The types that say how fresh the knowledge about a device is. */

/** When a device was last looked at for one of its policies. A policy for which it never was has no entry. */
export interface LastVerified {
  readonly policy: string;
  /** ISO 8601. */
  readonly at: string;
  /** What looked: an event, a read of the twin, or a sweep, which asked the hub for twins that break the policy, or read all twins. */
  readonly how: 'event' | 'read' | 'sweepQuery' | 'sweepRead';
  /** When a sweep last verified that the device has the module: by a count, or by lists of devices and modules. */
  readonly module?: { readonly at: string; readonly how: 'sweepCount' | 'sweepRead' };
}

/** How fresh the knowledge about a device is. */
export interface Verification {
  readonly verified: readonly LastVerified[];
  /** The oldest time of `verified`, ISO 8601. Absent when the device was never looked at for one of its policies. */
  readonly lastVerifiedAt?: string;
}
