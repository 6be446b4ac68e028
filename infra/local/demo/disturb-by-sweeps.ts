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
 * Disturbs the fleet in rounds. Each round disturbs each device once, and then asks for a sweep. Before the sweep, all departures from
 * policies that the twins show are added to the ledger. A sweep cannot find others, such as a value that was changed and then changed back.
 */
export async function disturbBySweeps(
  plan: readonly DevicePlan[],
  ledger: InjectedDeparture[],
  options: RoundOptions,
): Promise<void> {
  const { operator, policies, observer, deadline, onProgress } = options;
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
    const byDevice = Map.groupBy(ledger, ({ deviceId }) => deviceId);
    const isSettled = await sweepUntil(options, async () => {
      const history = await observer.history([...byDevice.keys()]);
      return [...byDevice].every(
        ([id, departures]) => unsettled(departures, history.get(id)?.recent ?? []).length === 0,
      );
    });
    // Ends early when the deadline has passed. The summary will then list the drift that is not repaired.
    if (!isSettled || Date.now() > deadline) return;
  }
}

/**
 * Asks for a sweep again and again until `isSettled` resolves with true after a sweep. Resolves with false when the deadline passes first.
 */
async function sweepUntil({ endpoints, deadline }: RoundOptions, isSettled: () => Promise<boolean>): Promise<boolean> {
  const account = { connectionString: endpoints.storageConnectionString };
  const store = createSweepStore(account, () => new Date());
  const queue = createSweepQueue(account);
  while (Date.now() < deadline) {
    const [before] = await store.list(1);
    await queue.put({ type: 'start' });
    const isOver = await until(deadline, 500, async () => {
      const [row] = await store.list(1);
      return row !== undefined && row.id !== before?.id && row.state === 'done' && row.partsDone >= row.parts;
    });
    if (isOver && (await isSettled())) return true;
  }
  return false;
}
