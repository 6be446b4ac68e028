import type { DriftRow } from '../../../shared/drift/index.ts';
import type { SweepRow } from '../../../shared/sweep/store/index.ts';
import type { HistorySource } from './history-source.ts';

/** How well the fleet keeps to one policy. */
export interface PolicyCompliance {
  readonly policy: string;
  /** Devices in its scope; absent when nobody has counted them yet. */
  readonly devices?: number;
  /** Devices with something of it out of line. */
  readonly outOfLine: number;
  readonly compliant?: number;
}

/** How things stand. */
export interface Compliance {
  /** `unknown` when nothing is out of line as far as is known, and no sweep has ever looked. */
  readonly state: 'compliant' | 'outOfLine' | 'unknown';
  readonly policies: readonly PolicyCompliance[];
  readonly open: {
    /** Departures that are out of line now. */
    readonly total: number;
    /** Why they are not mended: an outcome, and for `heldBack` the guard: `heldBack: contested`. */
    readonly byReason: Readonly<Record<string, number>>;
  };
  /** Absent when there has been none. */
  readonly lastSweep?: SweepRow;
  readonly deadLetters: number;
}

const pageSize = 1000;

/** Gathers it from the open list, which is read once as a whole, and from what the last sweep left. */
export async function complianceOf(history: HistorySource): Promise<Compliance> {
  const [policies, lastSweep, deadLetters, open] = await Promise.all([
    history.policies(),
    history.lastSweep(),
    history.deadLetters(),
    countOpen(history),
  ]);
  const known = new Map(policies.map(({ policy, devices }) => [policy, devices]));
  const names = [...new Set([...known.keys(), ...open.devices.keys()])];
  const state =
    open.total > 0 ? 'outOfLine' : lastSweep?.endedAt === undefined && !hasBeenCounted(known) ? 'unknown' : 'compliant';
  return {
    state,
    policies: names.map((policy) => {
      const devices = known.get(policy);
      const outOfLine = open.devices.get(policy) ?? 0;
      // What is out of line is known at once, and how many devices there are as of the last sweep.
      const counted = devices === undefined ? {} : { devices, compliant: Math.max(0, devices - outOfLine) };
      return { policy, outOfLine, ...counted };
    }),
    open: { total: open.total, byReason: Object.fromEntries([...open.reasons].toSorted(([, a], [, b]) => b - a)) },
    ...(lastSweep === undefined ? {} : { lastSweep }),
    deadLetters,
  };
}

/** Why a row's departure is not mended: its outcome, with the guard's name where one holds it back. */
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
  /** The list is sorted by policy and device within each of its parts, and a device is in one part only. */
  let last = '';
  let cursor: string | undefined;
  do {
    const page = await history.open({}, pageSize, cursor);
    for (const row of page.rows) {
      total++;
      reasons.set(reasonOf(row), (reasons.get(reasonOf(row)) ?? 0) + 1);
      const current = `${row.policy} ${row.deviceId}`;
      if (current !== last) devices.set(row.policy, (devices.get(row.policy) ?? 0) + 1);
      last = current;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { total, reasons, devices };
}
