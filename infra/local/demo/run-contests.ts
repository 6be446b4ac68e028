/** Carries out the contests of a run with `--once`, and lets Twinkeeper repair again when all of them are over. */
import type { DriftRow } from '../../../shared/drift/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { createSweepQueue } from '../../../shared/sweep/index.ts';
import type { SystemEndpoints } from '../endpoints-file.ts';
import { type ContestState, contestState, repairsBeforeStandDown } from './contest.ts';
import type { DevicePlan } from './demo-plan.ts';
import type { InjectedDeparture } from './departures.ts';
import type { Observer } from './observer.ts';
import type { Operator } from './operator.ts';
import { until } from './until.ts';

export interface ContestOptions {
  readonly operator: Operator;
  readonly observer: Observer;
  /** When the run must have ended, in milliseconds since 1970. */
  readonly deadline: number;
  /**
   * Whether the new device's own missing modules count as deletions. They do when only sweeps find them, because a read cannot tell a new
   * device from a device whose module was deleted.
   */
  readonly countsFirstCreation: boolean;
}

/**
 * Carries out the contest of a device. The device must exist. Adds all departures to the ledger. Resolves with the faults, one line for
 * each: Twinkeeper must stand down after five repairs, neither earlier nor later.
 */
export async function runContest(
  { device, departures, contest }: DevicePlan,
  ledger: InjectedDeparture[],
  { operator, observer, deadline, countsFirstCreation }: ContestOptions,
): Promise<readonly string[]> {
  if (contest === undefined) return [];
  const caused = [...departures];
  let state = await nextState();
  let repairs = 0;
  for (const turn of contest.turns) {
    if (state === 'waiting' || (state === 'standingDown' && contest.kind === 'moduleWar')) break;
    await operator.carryOut(turn);
    ledger.push(...turn.departures);
    caused.push(...turn.departures);
    state = await nextState();
    if (state === 'repaired' && !(contest.kind === 'moduleWar' && (await newestRow())?.outcome === 'healed'))
      repairs += 1;
  }
  const wanted = repairsBeforeStandDown - (contest.kind === 'moduleWar' && countsFirstCreation ? 1 : 0);
  if (state === 'standingDown' && repairs === wanted) return [];
  const what = state === 'standingDown' ? `stood down after ${repairs} repairs, not ${wanted}` : 'did not stand down';
  const outcomes = (await rowsOf()).map(
    ({ kind, path, outcome }) => `${kind}${path === '' ? '' : ` ${path}`} ${outcome}`,
  );
  return [`${contest.kind} on ${device.deviceId}: Twinkeeper ${what}. Its rows, newest first: ${outcomes.join(', ')}`];

  /** The newest row of the device's modules that are missing. */
  async function newestRow(): Promise<DriftRow | undefined> {
    return (await rowsOf()).find(({ kind }) => kind === 'missingModule');
  }

  /** The rows of the device, newest first. */
  async function rowsOf(): Promise<readonly DriftRow[]> {
    return (await observer.history([device.deviceId])).get(device.deviceId)?.recent ?? [];
  }

  async function nextState(): Promise<ContestState> {
    let current = 'waiting' as ContestState;
    await until(deadline, 500, async () => {
      current = contestState(caused, await rowsOf());
      return current !== 'waiting';
    });
    return current;
  }
}

/** Releases the policies of the contests, as an operator would, and asks for a sweep that repairs what was held back. */
export async function releaseContested(
  plan: readonly DevicePlan[],
  { storageConnectionString }: SystemEndpoints,
): Promise<void> {
  const account = { connectionString: storageConnectionString };
  const names = plan.flatMap(({ contest }) => contest?.turns[0]?.departures.map(({ policy }) => policy) ?? []);
  const guards = createGuardStore(account);
  for (const name of new Set(names)) await guards.release(name);
  await createSweepQueue(account).put({ type: 'start' });
}
