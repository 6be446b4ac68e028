import type { Clock } from '../../shared/clock.ts';
import { createJournal, createOpenList, createRunningPasses } from '../../shared/drift/index.ts';
import { createGuardStore, createGuards } from '../../shared/guards/index.ts';
import type { Hub } from '../../shared/hub/index.ts';
import type { Log } from '../../shared/log.ts';
import { type PolicyDefinition, toPolicySet } from '../../shared/policy/index.ts';
import { Reconciler } from '../../shared/reconcile/index.ts';
import type { StorageAccount } from '../../shared/storage/index.ts';
import { createJobFolders, Sweeper, SweepWorker } from '../../shared/sweep/index.ts';
import { createSweepStore, type SweepRow } from '../../shared/sweep/store/index.ts';
import { MemoryQueue } from './memory-queue.ts';

export interface SweepingAppOptions {
  readonly hub: Hub;
  readonly storage: StorageAccount;
  readonly definitions: readonly PolicyDefinition[];
  /**
   * Number of sweep parts that are handled at the same time. The deployed app handles more. Here the storage emulator uses only one core.
   */
  readonly concurrency: number;
  /** The blast radius: the most twins that may change in an hour. Default: so many that the guard never holds a repair back. */
  readonly limit?: number;
  /** The clock that the guards and the queue use. */
  readonly clock: Clock;
  /** Called with the text of each warning and each error that the app logs. */
  readonly onTrouble?: (message: string) => void;
}

/** The app's sweep and its reconciler for events. The queue of the sweep is in memory. */
export interface SweepingApp {
  /** The reconciler that repairs drift from events. */
  readonly reconciler: Reconciler;
  /** Runs one sweep. Resolves with the sweep's row when all parts of the sweep are done. */
  sweep(): Promise<SweepRow>;
}

/** Creates the sweep and the reconciler from the app's own modules. Both share the hub. */
export function createSweepingApp({
  hub,
  storage,
  definitions,
  concurrency,
  clock,
  limit: count = 10_000_000,
  onTrouble = () => {},
}: SweepingAppOptions): SweepingApp {
  const log: Log = { info: () => {}, warn: onTrouble, error: onTrouble };
  const now = () => clock.now();
  const policies = toPolicySet(definitions, { mode: 'enforce' });
  const journal = createJournal(storage);
  const store = createSweepStore(storage, now);
  const guardStore = createGuardStore(storage, { clock });
  const openList = createOpenList(storage, () => clock.now());
  const runningPasses = createRunningPasses(storage, now);
  const limit = { type: 'count', count } as const;
  const overridesConfigurations = () => false;
  const guard = createGuards({
    store: guardStore,
    limit,
    overridesConfigurations,
    countDevices: async () => undefined,
    clock,
    log,
  });
  const reconcilerFor = (lane: Hub) =>
    new Reconciler({ policies, hub: lane, journal, log, guard, clock, runningPasses });

  return {
    reconciler: reconcilerFor(hub),
    async sweep() {
      const queue = new MemoryQueue(clock, concurrency);
      const folders = createJobFolders(storage, now);
      const sweeper = new Sweeper({
        ...{ policies, hub, store, queue, guardStore, openList, runningPasses, guard, folders, log, clock },
        minutes: 4,
        backfillAbove: Number.POSITIVE_INFINITY,
        exportAbove: Number.POSITIVE_INFINITY,
        walkEvery: 0,
        lookEvery: Number.POSITIVE_INFINITY,
      });
      const retry = { firstDelay: 30, attempts: 10 };
      const worker = new SweepWorker({ sweeper, reconcilerFor, hub, store, queue, folders, log, retry, clock });
      queue.serve((message) => worker.handle(message));
      // Starts the sweep with a queue message, as `twinkeeper sweep` does.
      await queue.put({ type: 'start' });
      await queue.idle();
      const [row] = await store.list(1);
      if (row === undefined) throw new Error('The sweep stored no row.');
      return row;
    },
  };
}
