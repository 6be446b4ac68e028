/**
 * Disturbs the fleet in a run with `--once --no-events`. Only sweeps find drift in such a run. In each round, the demo disturbs the fleet
 * and asks for a sweep. The sweep must find all drift that the twins show.
 */
import pMap from 'p-map';
import type { Policy } from '../../../shared/policy/index.ts';
import { createSweepQueue } from '../../../shared/sweep/index.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import type { SystemEndpoints } from '../endpoints-file.ts';
import { unsettled } from './compare-history.ts';
import type { DevicePlan } from './demo-plan.ts';
import type { InjectedDeparture } from './departures.ts';
import type { Observer } from './observer.ts';
import type { Operator } from './operator.ts';
import { releaseContested, runContest } from './run-contests.ts';
import { until } from './until.ts';
import { visibleDepartures } from './visible-departures.ts';

interface RoundOptions {
  readonly policies: readonly Policy[];
  readonly operator: Operator;
  readonly observer: Observer;
  readonly endpoints: SystemEndpoints;
  /** When the run must have ended, in milliseconds since 1970. */
  readonly deadline: number;
  readonly onProgress: (text: string) => void;
}

/** Number of devices that are disturbed at the same time. */
const concurrency = 12;

/**
 * Disturbs the fleet in rounds. Then carries out the contests, and runs sweep after sweep. Resolves with the faults of the contests.
 *
 * In each round, each device is disturbed at most once. Then all departures from policies that the twins show are added to the ledger, and
 * the demo asks for a sweep. A sweep cannot find other departures, such as a value that was changed and then changed back.
 */
export async function disturbBySweeps(
  plan: readonly DevicePlan[],
  ledger: InjectedDeparture[],
  options: RoundOptions,
): Promise<readonly string[]> {
  const { operator, policies, observer, endpoints, deadline, onProgress } = options;
  const rounds = Math.max(0, ...plan.map(({ disturbances }) => disturbances.length));
  const gone = new Set<string>();
  for (let round = 0; round <= rounds; round++) {
    // Round 0 disturbs no device. Its sweep creates the missing modules of the new fleet.
    const disturbances = round === 0 ? [] : plan.flatMap((device) => device.disturbances[round - 1] ?? []);
    await pMap(disturbances, (disturbance) => operator.carryOut(disturbance), { concurrency });
    for (const { kind, deviceId } of disturbances) if (kind === 'deviceDeleted') gone.add(deviceId);

    const devices = plan.flatMap(({ device }) => (gone.has(device.deviceId) ? [] : [device]));
    ledger.push(...visibleDepartures(devices, await operator.allModules(), policies));
    onProgress(
      `Round ${round} of ${rounds}: ${disturbances.length} disturbances done, ${ledger.length} visible departures so far.`,
    );
    // Ends early when the deadline has passed. The summary will then list the drift that is not repaired.
    if (!(await sweepUntil(options, isLedgerSettled)) || Date.now() > deadline) return [];
  }

  const contested = plan.filter(({ contest }) => contest !== undefined);
  if (contested.length === 0) return [];
  onProgress(`${contested.length} contests: each undoes the same repair again and again.`);
  let areOver = false;
  const contests = Promise.all(
    contested.map((device) => runContest(device, ledger, { operator, observer, deadline, countsFirstCreation: true })),
  ).finally(() => {
    areOver = true;
  });
  await sweepUntil(options, async () => areOver);
  const faults = (await contests).flat();
  await releaseContested(plan, endpoints);
  await sweepUntil(options, isLedgerSettled);
  return faults;

  async function isLedgerSettled(): Promise<boolean> {
    const byDevice = Map.groupBy(ledger, ({ deviceId }) => deviceId);
    const history = await observer.history([...byDevice.keys()]);
    return [...byDevice].every(([id, departures]) => unsettled(departures, history.get(id)?.recent ?? []).length === 0);
  }
}

/**
 * Milliseconds after which a sweep that is not over is asked for again. The message of the first request stays hidden for ten minutes when
 * the function host was killed while it worked on the message.
 */
const askAgainAfter = 30_000;

/**
 * Asks for a sweep again and again until `isSettled` resolves with true after a sweep. Resolves with false when the deadline passes first.
 */
async function sweepUntil({ endpoints, deadline }: RoundOptions, isSettled: () => Promise<boolean>): Promise<boolean> {
  const account = { connectionString: endpoints.storageConnectionString };
  const store = createSweepStore(account, () => new Date());
  const queue = createSweepQueue(account);
  while (Date.now() < deadline) {
    const [before] = await store.list(1);
    const isOver = async () => {
      const [row] = await store.list(1);
      return row !== undefined && row.id !== before?.id && row.state === 'done' && row.partsDone >= row.parts;
    };
    do await queue.put({ type: 'start' });
    while (!(await until(Math.min(deadline, Date.now() + askAgainAfter), 500, isOver)) && Date.now() < deadline);
    if (await isSettled()) return true;
  }
  return false;
}
