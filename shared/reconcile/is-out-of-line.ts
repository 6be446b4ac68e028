import type { Policy } from '../policy/index.ts';
import type { Twin } from '../twin/index.ts';
import { findDepartures } from './departures.ts';
import { notReported } from './not-reported.ts';

/**
 * Whether a twin is out of line with a policy. Assumes that the device is in the scope of the policy.
 *
 * @param at The time at which the twin was read, ISO 8601.
 */
export function isOutOfLine(policy: Policy, twin: Twin, at: string): boolean {
  return findDepartures([policy], twin).length > 0 || notReported([policy], twin, at).length > 0;
}
