/** The disturbances of `--once` where no events are routed: everybody is disturbed, then a sweep is to find what can be seen of it. */
import pMap from 'p-map';
import type { Policy } from '../../../shared/policy/index.ts';
import { createSweepQueue } from '../../../shared/sweep/index.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import type { SystemEndpoints } from '../endpoints-file.ts';
import type { DevicePlan } from './demo-plan.ts';
import type { InjectedDeparture } from './departures.ts';
import { unsettled } from './ledger.ts';
import type { Observer } from './observer.ts';
import type { Operator } from './operator.ts';
import { until } from './until.ts';
import { visibleDepartures } from './visible.ts';

interface Surroundings {
  readonly policies: readonly Policy[];
  readonly operator: Operator;
  readonly observer: Observer;
  readonly endpoints: SystemEndpoints;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly onProgress: (text: string) => void;
}

/** How many devices are disturbed at once. */
const concurrency = 12;

/**
 * Disturbs the fleet in rounds, one disturbance a device in each, and has it swept after each. Before the sweep the ledger gets what is
 * visible in the twins: what nobody can see any more, such as a value that was changed back, no sweep can find.
 */
export async function disturbBySweeps(
  plan: readonly DevicePlan[],
  ledger: InjectedDeparture[],
  surroundings: Surroundings,
): Promise<void> {
  const { operator, policies, observer, deadline, onProgress } = surroundings;
  const rounds = Math.max(0, ...plan.map(({ disturbances }) => disturbances.length));
  const gone = new Set<string>();
  for (let round = 0; round <= rounds; round++) {
    // The first sweep is for what the fleet came with.
    const disturbances = round === 0 ? [] : plan.flatMap((device) => device.disturbances[round - 1] ?? []);
    await pMap(disturbances, (disturbance) => operator.carryOut(disturbance), { concurrency });
    for (const { kind, deviceId } of disturbances) if (kind === 'deviceDeleted') gone.add(deviceId);

    const devices = plan.flatMap(({ device }) => (gone.has(device.deviceId) ? [] : [device]));
    ledger.push(...visibleDepartures(devices, await operator.allModules(), policies));
    onProgress(
      `Round ${round} of ${rounds}: ${disturbances.length} disturbances done, ${ledger.length} departures were visible so far.`,
    );
    const byDevice = Map.groupBy(ledger, ({ deviceId }) => deviceId);
    const isSettled = await sweepUntil(surroundings, async () => {
      const history = await observer.history([...byDevice.keys()]);
      return [...byDevice].every(
        ([id, departures]) => unsettled(departures, history.get(id)?.recent ?? []).length === 0,
      );
    });
    // Too late: what is wrong is said in the end.
    if (!isSettled || Date.now() > deadline) return;
  }
}

/** Has the hub swept, again if need be, until `isSettled` says yes. False when the time is up before. */
async function sweepUntil({ endpoints, deadline }: Surroundings, isSettled: () => Promise<boolean>): Promise<boolean> {
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
