import type { Policy } from '../policy/index.ts';
import type { Twin } from '../twin/index.ts';
import { findDepartures } from './departures.ts';
import { notReported } from './not-reported.ts';

/** Whether a plan for this twin, read at `at` (ISO 8601), would find it out of line with the policy, were its device in the scope. */
export function isOutOfLine(policy: Policy, twin: Twin, at: string): boolean {
  return findDepartures([policy], twin).length > 0 || notReported([policy], twin, at).length > 0;
}
