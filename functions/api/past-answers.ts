/**
 * The types of the API's answers about a time that is past: what was in force then, and what was out of line.
 *
 * @module
 */
import type { DriftRow, OpenState, Outcome } from './history-answers.ts';
import type { Verification } from './verification-answers.ts';

/** A row that was open at a time. `was` is what was so at that time, and `why` the reason why the drift was not repaired then. */
export interface RowThen extends DriftRow {
  readonly was: {
    /** Absent when the row is of version 1, which has only the last outcome. */
    readonly outcome?: Outcome;
    /** Since when, ISO 8601. */
    readonly since?: string;
    readonly reason?: string;
    readonly by?: 'event' | 'sweep' | 'manual' | 'retries';
  };
  readonly why: { readonly state: OpenState | 'unknown'; readonly reason: string };
}

/** What was in force at a time. */
export interface StandingThen {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The policies that were in force, by name. Empty before the first record. */
  readonly policies: readonly PolicyThen[];
  /** The version of the app. Absent before the first record. */
  readonly appVersion?: string;
  /** The time since which the history is complete, ISO 8601. Retention may have removed closed rows that were detected earlier. */
  readonly completeSince?: string;
}

export interface PolicyThen {
  readonly policy: string;
  /** The hash of the definition. */
  readonly version: string;
  readonly mode: 'enforce' | 'audit';
  /** Since when these policies were in force together, ISO 8601. */
  readonly since: string;
  /** Number of devices in the scope of the policy, and of those that complied, as counted in the hour of `at`. Absent when not counted. */
  readonly counted?: { readonly devices: number; readonly compliant: number };
}

/** The answer of `GET /api/drift/open` with `at`: one page of the rows that were open then. */
export interface OpenThenPage {
  readonly rows: readonly RowThen[];
  readonly cursor?: string;
  /** Only on the first page. */
  readonly standing?: StandingThen;
}

/** The answer of `GET /api/devices/{deviceId}` with `at`: the device at a time. */
export interface DeviceThenAnswer extends Verification {
  readonly deviceId: string;
  /** The time that was asked for, ISO 8601, UTC. */
  readonly at: string;
  /** The policies that were in force. `applies`: `unknown` when the tags of the device, or a function, decided it then. */
  readonly policies: readonly (Omit<PolicyThen, 'counted'> & { readonly applies: 'yes' | 'no' | 'unknown' })[];
  readonly appVersion?: string;
  readonly completeSince?: string;
  /** Whether the history has any row of the device. Without one, nothing tells that a device of this id has ever existed. */
  readonly isRecorded: boolean;
  /** What was out of line, and what had been decided about it. */
  readonly open: readonly RowThen[];
}
