/**
 * Simulates a process of Twinkeeper that runs sweeps. A test can kill the process at any of its calls to the hub, the storage or the queue.
 */
import { createOpenList, createRunningPasses, type DriftRow, type OpenList } from '../../../shared/drift/index.ts';
import { noGuard } from '../../../shared/guards/index.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import type { PolicySet } from '../../../shared/policy/index.ts';
import { Reconciler } from '../../../shared/reconcile/index.ts';
import { createJobFolders, Sweeper, type SweepMessage, SweepWorker } from '../../../shared/sweep/index.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import { atQueries, inPagesOf } from '../../support/disturbed-hub.ts';
import type { StillClock } from '../../support/still-clock.ts';
import type { SweepWorld } from '../../support/sweep-world.ts';
import { quiet } from '../../support/world.ts';

/** Everything that still exists after a process dies: the hub and the storage, the queue, and the clock. */
export interface Surroundings {
  readonly world: SweepWorld;
  readonly policies: PolicySet;
  readonly queue: SweepMessage[];
  readonly clock: StillClock;
}

export interface Kill {
  /** Number of the call at which the process dies. The first call is 1. */
  readonly n: number;
  /** `before`: the call has no effect. `after`: the call has its effect, but the process does not get the result. */
  readonly when: 'before' | 'after';
}

/**
 * Runs one process, which has no memory of earlier processes. The process first handles the timer, and then messages until the queue is
 * empty. A killed process makes no more calls, and its current message stays in the queue. Returns the number of calls.
 */
export async function runProcess(
  { world, policies, queue, clock }: Surroundings,
  kill?: Kill,
): Promise<{ readonly calls: number; readonly killed: boolean }> {
  let calls = 0;
  let killed = false;
  /** Wraps an object so that each method call counts, and may kill the process. Methods in `uncounted` do not count. */
  const mortal = <T extends object>(target: T, uncounted: readonly PropertyKey[] = []): T =>
    new Proxy(target, {
      get(_, key) {
        const value: unknown = Reflect.get(target, key);
        if (key === 'lane') {
          return (...args: Parameters<Hub['lane']>) => mortal((target as Hub).lane(...args), uncounted);
        }
        if (typeof value !== 'function' || uncounted.includes(key)) return value;
        return async (...args: unknown[]) => {
          if (killed) throw new Error('killed');
          const isLast = ++calls === kill?.n;
          if (isLast) killed = true;
          if (isLast && kill?.when === 'before') throw new Error('killed');
          const result: unknown = await Reflect.apply(value, target, args);
          if (killed) throw new Error('killed');
          return result;
        };
      },
    });
  const hub = mortal(slowHub(world.hubClient, clock), ['waitFor']);
  const store = mortal(createSweepStore(world.storage, () => clock.now()));
  const journal = mortal(world.journal);
  const putQueue = mortal({ put: async (message: SweepMessage) => void queue.push(message) });
  const guardStore = mortal({
    competing: async () => [],
    putCompeting: async () => {},
    putDeviceCount: async () => {},
    putFleetCount: async () => {},
  });
  const openList = createOpenList(world.storage, () => clock.now());
  const sweeper = new Sweeper({
    policies,
    hub,
    store,
    queue: putQueue,
    guardStore,
    openList: mortal(inTimeOf(clock, openList)),
    runningPasses: createRunningPasses(world.storage, () => clock.now()),
    guard: noGuard,
    log: quiet,
    clock,
    minutes: 4,
    backfillAbove: Number.POSITIVE_INFINITY,
    folders: createJobFolders(world.storage, () => clock.now()),
    exportAbove: Number.POSITIVE_INFINITY,
    walkEvery: 0,
    lookEvery: Number.POSITIVE_INFINITY,
  });
  const worker = new SweepWorker({
    sweeper,
    // The hub uses the machine's clock. The reconciler compares its own times with the hub's times, so it must use that clock too.
    reconcilerFor: (lane) => new Reconciler({ policies, hub: lane, journal, log: quiet }),
    hub,
    store,
    queue: putQueue,
    folders: createJobFolders(world.storage, () => clock.now()),
    log: quiet,
    retry: { firstDelay: 1, attempts: 3 },
    clock,
  });
  const untilKilled = async (act: () => Promise<unknown>) => {
    try {
      await act();
    } catch (error) {
      if (!killed) throw error;
    }
  };
  await untilKilled(() => sweeper.run({ trigger: 'timer' }));
  for (let [message] = queue; message !== undefined && !killed; [message] = queue) {
    const delivered: unknown = JSON.parse(JSON.stringify({ v: 1, ...message }));
    await untilKilled(() => worker.handle(delivered));
    // The queue deletes a message only after the process has handled it.
    if (!killed) queue.splice(queue.indexOf(message), 1);
  }
  return { calls, killed };
}

/** Returns a hub client with two results per page. The sweep's deadline passes at the sixth page, during the search for missing modules. */
function slowHub(hub: Hub, clock: StillClock): Hub {
  let pages = 0;
  return atQueries(
    inPagesOf(2, hub),
    () => true,
    () => {
      if (++pages === 6) clock.pass(10 * 60_000);
      return undefined;
    },
  );
}

/** Returns the list of open rows with the times of the sweep's clock. The rows were written with the machine's clock. */
function inTimeOf(clock: StillClock, { page, confirm, unrepaired }: OpenList): OpenList {
  const ahead = clock.now().getTime() - Date.now();
  const shifted = (row: DriftRow): DriftRow => ({
    ...row,
    outcomeAt: new Date(Date.parse(row.outcomeAt) + ahead).toISOString(),
  });
  return {
    async page(limit, after) {
      const { rows, ...rest } = await page(limit, after);
      return { ...rest, rows: rows.map(shifted) };
    },
    confirm,
    unrepaired,
  };
}
