/**
 * The history: what was out of line, what came of it, and what is out of line now, in Table Storage. Rows have deterministic keys and
 * are written before the hub is changed, so that a crash at any moment loses nothing and a redelivery adds nothing.
 *
 * @module
 */
export {
  type Departure,
  type DriftKind,
  type DriftRow,
  isOpen,
  isOver,
  type Outcome,
  type Source,
} from './departure.ts';
export { createHistory, type DriftQuery, type History, type HistoryPage, type OpenQuery } from './history.ts';
export { BadCursorError } from './history-cursor.ts';
export { createJournal, type Journal, nothingRecalled, type Recollection } from './journal.ts';
export { driftKey, openKey } from './keys.ts';
export { createOpenList, type OpenList } from './open-list.ts';
export { createRetention, type Retention, type RetentionResult } from './retention.ts';
export { type Compliance, createRollups, type Rollups, type Summary, type SummaryBucket } from './rollups.ts';
