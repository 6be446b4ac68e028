import type { FleetAnswer, HealthDetails, HealthProblem, OpenTotals } from '../../../functions/api/answers.ts';
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
  /** How many devices keep to all policies that apply to them. Numbers that are not counted are `null`. */
  readonly fleet: FleetAnswer;
  readonly policies: readonly PolicyCompliance[];
  readonly open: OpenTotals & {
    /** The time of these counts, ISO 8601. With many open rows, they are some minutes old. */
    readonly countedAt: string;
  };
  /** The row of the newest sweep. Absent when there has been no sweep. */
  readonly lastSweep?: SweepRow;
  /** Number of dead letters. At most 5,000 are counted. */
  readonly deadLetters: number;
  /** The health of the running app. Absent when the history comes from a storage account. */
  readonly health?: HealthDetails;
  /** The problems of the app, the worst first. Absent when they are not known. */
  readonly problems?: readonly HealthProblem[];
}

/** Computes the compliance of the fleet from the counts of open rows, the newest sweep and the numbers of devices that sweeps have counted. */
export async function complianceOf(history: HistorySource): Promise<Compliance> {
  const [standing, lastSweep, deadLetters, health, stored] = await Promise.all([
    history.standing(),
    history.lastSweep(),
    history.deadLetters(),
    history.health?.(),
    history.problems?.(),
  ]);
  const { policies, fleet, open, countedAt } = standing;
  const problems = health?.problems ?? stored;
  // A sweep counts the devices of the fleet after it has looked at all policies. The newest sweep may be a later one that runs.
  const isLookedAt = fleet.devices !== null || lastSweep?.endedAt !== undefined;
  const state = open.total > 0 ? 'outOfLine' : isLookedAt ? 'compliant' : 'unknown';
  return {
    state,
    fleet,
    policies: policies.map(({ policy, devices, outOfLine }) => {
      // Open rows are newer than the number of devices, which is as old as the last sweep. The difference can therefore be negative.
      const counted = devices === undefined ? {} : { devices, compliant: Math.max(0, devices - outOfLine) };
      return { policy, outOfLine, ...counted };
    }),
    open: { ...open, countedAt },
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
