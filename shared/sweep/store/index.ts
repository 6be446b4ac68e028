/**
 * What sweeps remember between invocations: one row a sweep, who leads the sweep under way, its place, and what one sweep tells the next.
 *
 * @module
 */
export { sweepQueueName } from './keys.ts';
export { createSweepRetention, type SweepRetention, type SweepRetentionResult } from './retention.ts';
export type { SweepCounts, SweepRow, SweepTrigger } from './row.ts';
export { createSweepStore, leadTime, type SweepClaim, type SweepMemo, type SweepStore } from './sweep-store.ts';
