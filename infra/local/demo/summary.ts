/** The summary of a run with `--once`. Pure. */
import type { DriftRow } from '../../../shared/drift/index.ts';

/** The numbers of a run. `--json` prints this object. */
export interface Summary {
  readonly devices: number;
  /** Created modules. Two rows can record the same module, when two policies create it. */
  readonly modulesCreated: number;
  readonly departuresInjected: number;
  readonly departuresRecorded: number;
  /** Rows that record a departure which the demo did not cause, or record a departure twice. */
  readonly duplicates: number;
  /** Faults at the end of the run: unsettled departures, non-compliant twins, open rows and dead letters. */
  readonly unresolved: number;
  readonly enforced: number;
  readonly detectToEnforcedMs: { readonly p50: number; readonly p99: number };
  /** Twinkeeper's own calls to the hub, by class. */
  readonly hubCalls: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Whether every departure is recorded once and nothing is unresolved. */
export function isAllRight({ departuresInjected, departuresRecorded, duplicates, unresolved }: Summary): boolean {
  return unresolved === 0 && duplicates === 0 && departuresRecorded === departuresInjected;
}

/** The number of modules that these rows report as created. */
export function countCreated(rows: readonly DriftRow[]): number {
  const created = rows.filter(({ outcome }) => outcome === 'created');
  return new Set(
    created.map(({ deviceId, moduleId, write }) => JSON.stringify([deviceId, moduleId, write.version, write.at])),
  ).size;
}

/** Milliseconds from detection to repair, for each row with the outcome `created` or `enforced`. */
export function reactionTimes(rows: readonly DriftRow[]): readonly number[] {
  return rows
    .filter(({ outcome }) => outcome === 'created' || outcome === 'enforced')
    .map(({ detectedAt, outcomeAt }) => Date.parse(outcomeAt) - Date.parse(detectedAt));
}

/** The nearest-rank percentile of the values, where `share` 0.5 is the median. 0 when there are no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** The summary as text for a person. */
export function describeSummary(summary: Summary): string {
  const { detectToEnforcedMs, hubCalls } = summary;
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
    ['seconds', String(summary.seconds)],
  ];
  const verdict = isAllRight(summary)
    ? 'All right: every departure is recorded once, and the whole fleet is compliant.'
    : 'NOT all right: the lines above say what is wrong.';
  return [...lines.map(([name, value]) => `${name.padEnd(24)}${value}`), verdict].join('\n');
}
