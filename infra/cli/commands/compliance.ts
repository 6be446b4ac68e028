import type { HealthDetails, HealthProblem } from '../../../functions/api/answers.ts';
import type { DriftRow } from '../../../shared/drift/index.ts';
import type { SweepRow } from '../../../shared/sweep/store/index.ts';
import type { HistorySource } from './history-source.ts';

/** How many devices of the fleet are compliant with one policy. */
export interface PolicyCompliance {
  readonly policy: string;
  /** Number of devices in the policy's scope. Absent until a sweep has counted them. */
  readonly devices?: number;
  /** Number of devices with an open row of this policy. */
  readonly outOfLine: number;
  readonly compliant?: number;
}

/** The compliance of the whole fleet, as `twinkeeper status` shows it. */
export interface Compliance {
  /** `outOfLine` when there is an open row. `unknown` when there is no open row and no sweep has ended. Otherwise `compliant`. */
  readonly state: 'compliant' | 'outOfLine' | 'unknown';
  readonly policies: readonly PolicyCompliance[];
  readonly open: {
    /** Number of open rows: rows whose drift has not ended. */
    readonly total: number;
    /**
     * Number of open rows for each reason why the drift is not repaired. The reason is the outcome, with the guard's name if a guard holds
     * the repair back. Example: `heldBack: contested`.
     */
    readonly byReason: Readonly<Record<string, number>>;
  };
  /** The row of the newest sweep. Absent when there has been no sweep. */
  readonly lastSweep?: SweepRow;
  readonly deadLetters: number;
  /** The health of the running app. Absent when the history comes from a storage account. */
  readonly health?: HealthDetails;
  /** The problems of the app, the worst first. Absent when they are not known. */
  readonly problems?: readonly HealthProblem[];
}

const pageSize = 1000;

/** Computes the compliance of the fleet from all open rows, the newest sweep and the numbers of devices that sweeps have counted. */
export async function complianceOf(history: HistorySource): Promise<Compliance> {
  const [policies, lastSweep, deadLetters, open, health, stored] = await Promise.all([
    history.policies(),
    history.lastSweep(),
    history.deadLetters(),
    countOpen(history),
    history.health?.(),
    history.problems?.(),
  ]);
  const problems = health?.problems ?? stored;
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
      // Open rows are up to date, but the number of devices is as old as the last sweep. The difference can therefore be negative.
      const counted = devices === undefined ? {} : { devices, compliant: Math.max(0, devices - outOfLine) };
      return { policy, outOfLine, ...counted };
    }),
    open: { total: open.total, byReason: Object.fromEntries([...open.reasons].toSorted(([, a], [, b]) => b - a)) },
    ...(lastSweep === undefined ? {} : { lastSweep }),
    deadLetters,
    ...(health === undefined ? {} : { health }),
    ...(problems === undefined ? {} : { problems }),
  };
}

/** Whether the app does not do its work, as far as it is known. */
export function isIll({ health, problems = [] }: Pick<Compliance, 'health' | 'problems'>): boolean {
  return health?.status === 'unhealthy' || problems.some(({ severity }) => severity === 'ill');
}

/** The reason why the drift of a row is not repaired: the row's outcome. For `heldBack`, the name of the guard follows. */
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
  /**
   * Policy and device id of the previous row. The rows of one policy and device follow each other in the list of open rows, so a device is
   * counted when this text changes.
   */
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
