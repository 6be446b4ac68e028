import type { Clock } from '../../shared/clock.ts';
import { createJournal, createOpenList } from '../../shared/drift/index.ts';
import { createGuardStore, createGuards } from '../../shared/guards/index.ts';
import { type BudgetOptions, connectToHub, type Hub } from '../../shared/hub/index.ts';
import type { Log } from '../../shared/log.ts';
import { type PolicyDefinition, toPolicySet } from '../../shared/policy/index.ts';
import { Reconciler } from '../../shared/reconcile/index.ts';
import type { StorageAccount } from '../../shared/storage/index.ts';
import { Sweeper, SweepWorker } from '../../shared/sweep/index.ts';
import { createSweepStore, type SweepRow } from '../../shared/sweep/store/index.ts';
import type { BenchHub } from './bench-hub.ts';
import { MemoryQueue } from './memory-queue.ts';

export interface SweepingAppOptions {
  readonly hub: BenchHub;
  readonly storage: StorageAccount;
  readonly definitions: readonly PolicyDefinition[];
  readonly budget: BudgetOptions;
  /** Parts of a sweep that are worked on at once: fewer than the deployed app's trigger hands out, whose storage is more than one core. */
  readonly partsAtOnce: number;
  /** For everything that waits. */
  readonly clock: Clock;
  /** Gets warnings and errors. */
  readonly onTrouble?: (message: string) => void;
}

/** The parts of the app as `functions/app.ts` puts them together, on one hub client, with the sweep's queue in memory. */
export interface SweepingApp {
  readonly hub: Hub;
  /** For events. */
  readonly reconciler: Reconciler;
  /** Sweeps once, resolves when all that was found has been seen to, and says what is on record about it. */
  sweep(): Promise<SweepRow>;
}

/** Puts it together. Policies may overwrite what they like: the limit is no part of what is measured. */
export function createSweepingApp({
  hub: benchHub,
  storage,
  definitions,
  budget,
  partsAtOnce,
  clock,
  onTrouble = () => {},
}: SweepingAppOptions): SweepingApp {
  const log: Log = { info: () => {}, warn: onTrouble, error: onTrouble };
  const now = () => clock.now();
  const policies = toPolicySet(definitions, { mode: 'enforce' });
  const hub = connectToHub(benchHub.addressFor('twinkeeper'), { ca: benchHub.ca, budget, clock });
  const journal = createJournal(storage);
  const store = createSweepStore(storage, now);
  const guardStore = createGuardStore(storage, { clock });
  const openList = createOpenList(storage, () => clock.now());
  const limit = { type: 'count', count: 1_000_000 } as const;
  const guard = createGuards({ store: guardStore, limit, countDevices: async () => undefined, clock, log });
  const reconcilerFor = (lane: Hub) => new Reconciler({ policies, hub: lane, journal, log, guard, clock });

  return {
    hub,
    reconciler: reconcilerFor(hub),
    async sweep() {
      const queue = new MemoryQueue(clock, partsAtOnce);
      const sweeper = new Sweeper({ policies, hub, store, queue, guardStore, openList, log, clock, minutes: 4 });
      const retry = { firstDelay: 30, attempts: 10 };
      const worker = new SweepWorker({ sweeper, reconcilerFor, hub, store, queue, log, retry });
      queue.serve((message) => worker.handle(message));
      // Asked for over the queue, as the command does.
      await queue.put({ type: 'start' });
      await queue.idle();
      const [row] = await store.list(1);
      if (row === undefined) throw new Error('The sweep has left no row.');
      return row;
    },
  };
}
