import type { PolicyVersionsAnswer } from '../../../functions/api/answers.ts';
import type { ActionRecord } from '../../../shared/actions/index.ts';
import type { DriftRow } from '../../../shared/drift/index.ts';
import type { ComplianceSpan } from './compliance-spans.ts';
import type { Tally } from './departure-tally.ts';

/** What a report tells. All times are ISO 8601 in UTC. */
export interface Report {
  /** Names of the hubs that the rows name. Empty when there is no row. */
  readonly hubs: readonly string[];
  /** The range, from `from` (included) to `to` (excluded). */
  readonly from: string;
  readonly to: string;
  readonly madeAt: string;
  /** The version of the command that made the report. */
  readonly version: string;
  /** Who made it, as the command states it, and from where it read the history. */
  readonly madeBy: string;
  readonly source: string;
  /** True when the report was asked for one policy only. */
  readonly isOfOnePolicy: boolean;
  readonly policies: readonly PolicyReport[];
  /** The compliance of the fleet: a device is compliant when it keeps to all policies that apply to it. `undefined` in a report of one policy. */
  readonly fleet: readonly ComplianceSpan[] | undefined;
  readonly departures: Tally;
  /** Since when no row is removed. `undefined` when none was ever removed. */
  readonly completeSince: string | undefined;
  readonly open: OpenAtEnd;
  readonly actions: { readonly listed: readonly ActionRecord[]; readonly total: number };
  /** The sealed days of the range. `undefined` when the report is made from the running app, which does not show them. */
  readonly seals: readonly Seal[] | undefined;
  readonly files: readonly ReportFile[];
}

/** One policy in a report. */
export interface PolicyReport {
  readonly name: string;
  /** The definitions by version. A version that is not kept is missing. */
  readonly versions: PolicyVersionsAnswer['versions'];
  /** When which version was in force in the range, oldest first. */
  readonly periods: PolicyVersionsAnswer['inForce'];
  /** Oldest first, without gaps: a span in which nothing was counted is in it. */
  readonly compliance: readonly ComplianceSpan[];
}

/** What was open at the end of the range. */
export interface OpenAtEnd {
  readonly total: number;
  readonly byOutcome: Readonly<Record<string, number>>;
  readonly listed: readonly OpenDeparture[];
}

/** A departure that was open at the end of the range. */
export interface OpenDeparture {
  readonly row: DriftRow;
  /** The outcome at the end of the range, with its reason and since when. `unknown` for a row that has only its last outcome. */
  readonly outcome: string;
  readonly reason: string | undefined;
  readonly since: string;
}

/** A sealed day of the history. */
export interface Seal {
  /** Such as `2026-11-22`, UTC. */
  readonly day: string;
  readonly manifestSha256: string;
  /** Whether the tables still say what was sealed. Absent when this was not checked. */
  readonly verified?: boolean;
}

/** A CSV file beside the report. */
export interface ReportFile {
  readonly name: string;
  readonly content: string;
  readonly rows: number;
  readonly sha256: string;
}
