import type { Policy } from '../policy/index.ts';
import type { Twin } from '../twin/index.ts';
import { findDepartures } from './departures.ts';
import { notReported } from './not-reported.ts';

/** Whether a twin that was read at `at` (ISO 8601) breaks a policy. Assumes that the device is in the policy's scope. */
export function isOutOfLine(policy: Policy, twin: Twin, at: string): boolean {
  return findDepartures([policy], twin).length > 0 || notReported([policy], twin, at).length > 0;
}
