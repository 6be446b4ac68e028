/**
 * The state of sweeps that survives an invocation, stored in the table `TwinkeeperSweeps`. Each sweep has a row with its counts. One lease
 * says which instance runs the current sweep. The lease also holds the checkpoint at which the next run resumes the sweep. A memo is a
 * value that one sweep stores for the next sweep.
 *
 * @module
 */
export type { Backfill, BackfillKey } from './backfills.ts';
export { sweepQueueName } from './keys.ts';
export { readMissed, writeMissed } from './missed-twins.ts';
export { createSweepRetention, type SweepRetention, type SweepRetentionResult } from './retention.ts';
export type { SweepCounts, SweepRow, SweepTrigger } from './row.ts';
export { createSweepStore, leaseTime, type SweepClaim, type SweepMemo, type SweepStore } from './sweep-store.ts';
export {
  type Look,
  type LookedAt,
  type Verified,
  type VerifiedByPolicy,
  withLook,
  withOnlyLook,
  withoutFailed,
  withVersion,
} from './verified.ts';
export {
  type BackfillItem,
  isLost,
  lostAfter,
  type QueuedItem,
  type WorkItem,
  type WorkItemKey,
} from './work-items.ts';
