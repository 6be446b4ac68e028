import { loadFilterTag } from '../storage/index.ts';
import type { DriftKind, DriftRow } from './departure.ts';
import { type Outcome, openOutcomes, type Source } from './outcome.ts';
import { pastColumn } from './row-entity.ts';

/** Filters for history rows. A row must match all filters that are given. */
export interface DriftQuery {
  readonly deviceId?: string;
  readonly moduleId?: string;
  readonly policy?: string;
  readonly path?: string;
  readonly kind?: DriftKind;
  /** The row has or had this outcome. */
  readonly outcome?: Outcome;
  /** The row has this outcome now. */
  readonly outcomeNow?: Outcome;
  readonly source?: Source;
  /** Earliest time of detection of the rows, inclusive, ISO 8601. */
  readonly from?: string;
  /** End of the times of detection of the rows, exclusive, ISO 8601. */
  readonly to?: string;
  /** Leaves out rows whose drift was over at this time, ISO 8601, where one column tells it. */
  readonly openSince?: string;
}

/** Filters for the rows of drift that is still open. */
export interface OpenQuery {
  readonly policy?: string;
  readonly deviceId?: string;
}

/**
 * One page of results with rows of the history. `cursor` is the start of the next page. The last page has no `cursor`. When the search
 * takes too long, a page with a `cursor` may hold fewer rows than the limit, or no rows.
 */
export interface HistoryPage {
  readonly rows: readonly DriftRow[];
  readonly cursor?: string;
}

/**
 * Converts the filters of a query to OData conditions. The key ranges of the query already cover the filters that are left out here. The
 * SDK quotes each value, so a value cannot change the meaning of the condition.
 */
export async function toConditions(query: DriftQuery): Promise<readonly string[]> {
  const { deviceId, moduleId, policy, path, kind, outcome, outcomeNow, source, from, to, openSince } = query;
  const odata = await loadFilterTag();
  return [
    moduleId === undefined ? undefined : odata`moduleId eq ${moduleId}`,
    policy === undefined ? undefined : odata`policy eq ${policy}`,
    path === undefined ? undefined : odata`path eq ${path}`,
    kind === undefined ? undefined : odata`kind eq ${kind}`,
    outcome === undefined ? undefined : hasOrHad(odata`outcome eq ${outcome}`, pastColumn(outcome)),
    outcomeNow === undefined ? undefined : odata`outcome eq ${outcomeNow}`,
    source === undefined ? undefined : odata`source eq ${source}`,
    openSince === undefined ? undefined : await notOverAt(openSince),
    // A query without a device reads the timeline, and the key ranges of the timeline already limit the time.
    deviceId === undefined || from === undefined ? undefined : odata`detectedAt ge ${new Date(from).toISOString()}`,
    deviceId === undefined || to === undefined ? undefined : odata`detectedAt lt ${new Date(to).toISOString()}`,
  ].filter((condition) => condition !== undefined);
}

/** The condition that the outcome leaves the drift open, or that the row got it after a time. The end of `audited` drift is not looked at. */
async function notOverAt(time: string): Promise<string> {
  const odata = await loadFilterTag();
  const open = openOutcomes.map((outcome) => odata`outcome eq ${outcome}`);
  return `(${[...open, odata`outcomeAt gt ${new Date(time).toISOString()}`].join(' or ')})`;
}

/** The condition that a row has an outcome, or had it. */
function hasOrHad(has: string, past: string | undefined): string {
  return past === undefined ? has : `(${has} or ${past} eq true)`;
}
