/**
 * The history of drift, in Table Storage. The journal holds one row for each departure and is the source of truth. Copies of its
 * rows make two kinds of queries cheap: by time of detection, and by departures that are open now. Row keys are deterministic, and a row is
 * written before the hub is changed. A crash therefore loses nothing, and a redelivered event adds nothing.
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
export { createHistory, type History, type HistoryPage } from './history.ts';
export { BadCursorError } from './history-cursor.ts';
export type { DriftQuery, OpenQuery } from './history-query.ts';
export { createJournal, type Journal } from './journal.ts';
export { driftKey, openKey } from './keys.ts';
export { type KnownRows, noKnownRows } from './known-rows.ts';
export { createOpenList, type OpenList } from './open-list.ts';
export { createRetention, type Retention, type RetentionResult } from './retention.ts';
export { createRollups, type Rollups } from './rollups.ts';
export type { Compliance, Summary, SummaryBucket } from './summary.ts';
