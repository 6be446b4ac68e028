/**
 * Sweep state that survives an invocation, in the table `TwinkeeperSweeps`. Each sweep has a row with its counts. One lease says which
 * instance runs the current sweep, and holds the checkpoint where the next run resumes. Memos carry values from one sweep to the next.
 *
 * @module
 */
export { sweepQueueName } from './keys.ts';
export { createSweepRetention, type SweepRetention, type SweepRetentionResult } from './retention.ts';
export type { SweepCounts, SweepRow, SweepTrigger } from './row.ts';
export { createSweepStore, leaseTime, type SweepClaim, type SweepMemo, type SweepStore } from './sweep-store.ts';
