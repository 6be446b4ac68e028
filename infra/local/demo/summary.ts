/** What came of a run with `--once`. Pure. */
import type { DriftRow } from '../../../shared/drift/index.ts';

/** The numbers of a run, as `--json` prints them. */
export interface Summary {
  readonly devices: number;
  /** Modules, not rows: two policies about one module create it once. */
  readonly modulesCreated: number;
  readonly departuresInjected: number;
  readonly departuresRecorded: number;
  /** Rows that record nothing that the demo did, or something a second time. */
  readonly duplicates: number;
  /** All that is not as it should be in the end. */
  readonly unresolved: number;
  readonly enforced: number;
  readonly detectToEnforcedMs: { readonly p50: number; readonly p99: number };
  /** Twinkeeper's own calls to the hub, by class. */
  readonly hubCalls: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Whether the run went as it must. */
export function isAllRight({ departuresInjected, departuresRecorded, duplicates, unresolved }: Summary): boolean {
  return unresolved === 0 && duplicates === 0 && departuresRecorded === departuresInjected;
}

/** How many modules these rows say were created. */
export function countCreated(rows: readonly DriftRow[]): number {
  const created = rows.filter(({ outcome }) => outcome === 'created');
  return new Set(
    created.map(({ deviceId, moduleId, write }) => JSON.stringify([deviceId, moduleId, write.version, write.at])),
  ).size;
}

/** From detection to the mended twin, in milliseconds, of all that was created or enforced. */
export function reactionTimes(rows: readonly DriftRow[]): readonly number[] {
  return rows
    .filter(({ outcome }) => outcome === 'created' || outcome === 'enforced')
    .map(({ detectedAt, outcomeAt }) => Date.parse(outcomeAt) - Date.parse(detectedAt));
}

/** The nearest-rank percentile: the least value that is not below `share` (from 0 to 1) of them. 0 when there is none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** The summary for a person. */
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
    : 'NOT all right: see above.';
  return [...lines.map(([name, value]) => `${name.padEnd(24)}${value}`), verdict].join('\n');
}
