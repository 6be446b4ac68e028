/**
 * The history of drift, in Table Storage. A departure is one way in which a twin is out of line with a policy. A drift row records one
 * departure.
 *
 * The journal holds all rows and is the source of truth. Two other tables hold copies of rows for quick queries: the timeline holds rows by
 * time of detection, and the open list holds the open rows. Row keys are deterministic, and a row is written before the hub is changed. A
 * crash therefore loses no row, and a redelivered event adds no row.
 *
 * @module
 */
export {
  contestedEnforcements,
  contestWindow,
  enforcementTimes,
  lastContestedTime,
  standDownTime,
} from './contested-property.ts';
export { type Departure, type DriftKind, type DriftRow, isOnboarding, isOpen } from './departure.ts';
export type { DuringQuery } from './during.ts';
export { isLaterWrite, isUncounted, lastWriteOf, rowToFoldInto, rowWithFolded, withFolded } from './folding.ts';
export { createHistory, type History } from './history.ts';
export { BadCursorError } from './history-cursor.ts';
export type { DriftQuery, HistoryPage, OpenQuery } from './history-query.ts';
export { createJournal, type Journal } from './journal.ts';
export { driftKey, headKey, openKey } from './keys.ts';
export { type KnownRows, noKnownRows } from './known-rows.ts';
export type { OpenCounts } from './open-counts.ts';
export { createOpenList, type ListedRow, type OpenList } from './open-list.ts';
export { createOpenSnapshots, type OpenSnapshot, type OpenSnapshots } from './open-snapshots.ts';
export { isOver, type Outcome, type Source, type Transition, type TransitionCause } from './outcome.ts';
export type { Compliance } from './quarter-counts.ts';
export { createRetention, type Retention, type RetentionResult } from './retention.ts';
export { createRollups, type Rollups } from './rollups.ts';
export { createRunningPasses, noRunningPasses, type RunningPasses } from './running-passes.ts';
export { hadOutcomeDuring, type OpenRange, type StateThen, stateAt, wasOpenDuring } from './state-at.ts';
export { createStoredRows, type HourRange, type PlacedRow, placeOf, type StoredRows } from './stored-rows.ts';
export { type FilteredSummary, summarizeRows } from './summarize-rows.ts';
export type { BucketCompliance, Summary, SummaryBucket } from './summary.ts';
export { type OutcomeChange, withEnd, withOutcome, withoutEnd } from './transitions.ts';
