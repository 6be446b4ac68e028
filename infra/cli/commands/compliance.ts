import type { DriftRow } from '../../../shared/drift/index.ts';
import type { SweepRow } from '../../../shared/sweep/store/index.ts';
import type { HistorySource } from './history-source.ts';

/** The fleet's compliance with one policy. */
export interface PolicyCompliance {
  readonly policy: string;
  /** Devices in the policy's scope. Absent until a sweep has counted them. */
  readonly devices?: number;
  /** Devices that are out of line with the policy. */
  readonly outOfLine: number;
  readonly compliant?: number;
}

/** The compliance of the fleet, and what is known about it. */
export interface Compliance {
  /** `unknown` when no open row exists and no sweep has ended. */
  readonly state: 'compliant' | 'outOfLine' | 'unknown';
  readonly policies: readonly PolicyCompliance[];
  readonly open: {
    /** The number of open departures. */
    readonly total: number;
    /** Open departures by the reason why they are not mended: the outcome, with the guard for `heldBack: contested`. */
    readonly byReason: Readonly<Record<string, number>>;
  };
  /** Absent when there has been no sweep. */
  readonly lastSweep?: SweepRow;
  readonly deadLetters: number;
}

const pageSize = 1000;

/** Computes the compliance from the whole list of open rows, the last sweep and its counts. */
export async function complianceOf(history: HistorySource): Promise<Compliance> {
  const [policies, lastSweep, deadLetters, open] = await Promise.all([
    history.policies(),
    history.lastSweep(),
    history.deadLetters(),
    countOpen(history),
  ]);
  const deviceCounts = new Map(policies.map(({ policy, devices }) => [policy, devices]));
  const names = [...new Set([...deviceCounts.keys(), ...open.devices.keys()])];
  const state =
    open.total > 0
      ? 'outOfLine'
      : lastSweep?.endedAt === undefined && !hasBeenCounted(deviceCounts)
        ? 'unknown'
        : 'compliant';
  return {
    state,
    policies: names.map((policy) => {
      const devices = deviceCounts.get(policy);
      const outOfLine = open.devices.get(policy) ?? 0;
      // Open rows are current, and device counts are as old as the last sweep. So the difference can be negative.
      const counted = devices === undefined ? {} : { devices, compliant: Math.max(0, devices - outOfLine) };
      return { policy, outOfLine, ...counted };
    }),
    open: { total: open.total, byReason: Object.fromEntries([...open.reasons].toSorted(([, a], [, b]) => b - a)) },
    ...(lastSweep === undefined ? {} : { lastSweep }),
    deadLetters,
  };
}

/** The reason why a departure is not mended: its outcome, with the guard's name for `heldBack`. */
export function reasonOf({ outcome, error }: DriftRow): string {
  const guard = outcome === 'heldBack' ? /^([a-zA-Z]{1,40}): /.exec(error ?? '')?.[1] : undefined;
  return guard === undefined ? outcome : `${outcome}: ${guard}`;
}

function hasBeenCounted(policies: ReadonlyMap<string, number | undefined>): boolean {
  return [...policies.values()].some((devices) => devices !== undefined);
}

async function countOpen(history: HistorySource) {
  const devices = new Map<string, number>();
  const reasons = new Map<string, number>();
  let total = 0;
  /** The policy and device of the previous row. A policy's rows of one device follow each other in the list. */
  let previous = '';
  let cursor: string | undefined;
  do {
    const page = await history.open({}, pageSize, cursor);
    for (const row of page.rows) {
      total++;
      reasons.set(reasonOf(row), (reasons.get(reasonOf(row)) ?? 0) + 1);
      const current = `${row.policy} ${row.deviceId}`;
      if (current !== previous) devices.set(row.policy, (devices.get(row.policy) ?? 0) + 1);
      previous = current;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { total, reasons, devices };
}
