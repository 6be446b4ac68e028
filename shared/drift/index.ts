/**
 * The history: what was out of line, what came of it, and what is out of line now, in Table Storage. Rows have deterministic keys and
 * are written before the hub is changed, so that a crash at any moment loses nothing and a redelivery adds nothing.
 *
 * @module
 */
export { createDeadLetterList, type DeadLetterHead, type DeadLetterList } from './dead-letter-list.ts';
export { createDeadLetters, type DeadLetter, type DeadLetters } from './dead-letters.ts';
export {
  type Departure,
  type DriftKind,
  type DriftRow,
  isOpen,
  isOver,
  type Outcome,
  type Source,
} from './departure.ts';
export {
  type CompetingSetting,
  createGuardStore,
  type GuardStore,
  type GuardStoreOptions,
  releaseTime,
} from './guard-store.ts';
export {
  createHistory,
  type DriftQuery,
  type History,
  type HistoryPage,
  type OpenQuery,
} from './history.ts';
export { BadCursorError } from './history-cursor.ts';
export { createJournal, type Journal, nothingRecalled, type Recollection } from './journal.ts';
export { driftKey, openKey } from './keys.ts';
export { createOpenList, type OpenList } from './open-list.ts';
export { packJson, unpackJson } from './packed-json.ts';
export { createRetention, type RetentionResult } from './retention.ts';
export { type Compliance, createRollups, type Rollups, type Summary, type SummaryBucket } from './rollups.ts';
export { openQueue, openTable, type StorageAccount } from './storage.ts';
export type { SweepRow, SweepTally, SweepTrigger } from './sweep-row.ts';
export { createSweepStore, type SweepClaim, type SweepNote, type SweepStore } from './sweep-store.ts';
