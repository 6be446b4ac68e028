/** The summary of a run with `--once`. Pure functions. */
import type { DriftRow } from '../../../shared/drift/index.ts';

/** The counts and times of a run with `--once`. `--json` prints this object. */
export interface Summary {
  readonly devices: number;
  /** Number of modules that were created. If two policies create the same module, two rows record it, and it counts once. */
  readonly modulesCreated: number;
  readonly departuresInjected: number;
  readonly departuresRecorded: number;
  /** Number of rows that record a departure from a policy that the demo did not cause, or that record a departure a second time. */
  readonly duplicates: number;
  /** Number of faults at the end of the run: departures without a row or a final outcome, twins with drift, open rows, and dead letters. */
  readonly unresolved: number;
  readonly enforced: number;
  readonly detectToEnforcedMs: { readonly p50: number; readonly p99: number };
  /** Number of calls that Twinkeeper has made to the hub, for each class of call. */
  readonly hubCalls: Readonly<Record<string, number>>;
  /** Number of identity operations that these calls count as, because each entry of a bulk call is one. */
  readonly identityOperations: number;
  /** Number of messages of the hub's daily quota that these calls took. */
  readonly messages: number;
  /** Number of these calls that the hub refused with 429. */
  readonly throttledCalls: number;
  readonly seconds: number;
}

/** Whether each departure that the demo caused has exactly one row, and there is no fault at the end of the run. */
export function isAllRight({ departuresInjected, departuresRecorded, duplicates, unresolved }: Summary): boolean {
  return unresolved === 0 && duplicates === 0 && departuresRecorded === departuresInjected;
}

/** The number of modules that these rows record as created. A module that two rows record counts once. */
export function countCreated(rows: readonly DriftRow[]): number {
  const created = rows.filter(({ outcome }) => outcome === 'created');
  return new Set(
    created.map(({ deviceId, moduleId, write }) => JSON.stringify([deviceId, moduleId, write.version, write.at])),
  ).size;
}

/** For each repaired row (`created` or `enforced`): the milliseconds from the detection of the drift to its repair. */
export function reactionTimes(rows: readonly DriftRow[]): readonly number[] {
  return rows
    .filter(({ outcome }) => outcome === 'created' || outcome === 'enforced')
    .map(({ detectedAt, outcomeAt }) => Date.parse(outcomeAt) - Date.parse(detectedAt));
}

/**
 * The percentile of the values by the nearest-rank method. `share` is from 0 to 1, and 0.5 gives the median. 0 when there are no values.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** The summary of a run as text for a person. */
export function describeSummary(summary: Summary): string {
  const { detectToEnforcedMs, hubCalls, throttledCalls } = summary;
  const calls = Object.entries(hubCalls).filter(([, count]) => count > 0);
  const lines: readonly (readonly [string, string])[] = [
    ['devices', String(summary.devices)],
    ['modules created', String(summary.modulesCreated)],
    ['departures injected', String(summary.departuresInjected)],
    ['departures recorded', String(summary.departuresRecorded)],
    ['duplicates', String(summary.duplicates)],
    ['unresolved', String(summary.unresolved)],
    ['enforced', String(summary.enforced)],
    ['detected to enforced', `${detectToEnforcedMs.p50} ms (median), ${detectToEnforcedMs.p99} ms (99th percentile)`],
    ["Twinkeeper's hub calls", calls.map(([name, count]) => `${count} ${name}`).join(', ') || 'none'],
    ['identity operations', String(summary.identityOperations)],
    ['messages of the quota', String(summary.messages)],
    ['throttled (429)', `${throttledCalls} calls, ${percent(throttledCalls, calls)}`],
    ['seconds', String(summary.seconds)],
  ];
  const verdict = isAllRight(summary)
    ? 'All right: every departure is recorded once, and the whole fleet is compliant.'
    : 'NOT all right: the lines above say what is wrong.';
  return [...lines.map(([name, value]) => `${name.padEnd(24)}${value}`), verdict].join('\n');
}

/** A number of calls as a share of all calls. */
function percent(count: number, calls: readonly (readonly [string, number])[]): string {
  const all = calls.reduce((sum, [, each]) => sum + each, 0);
  return `${all === 0 ? 0 : Math.round((count / all) * 1000) / 10} %`;
}
