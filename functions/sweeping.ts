import type { InvocationContext } from '@azure/functions';
import type { Clock } from '../shared/clock.ts';
import type { Journal, OpenList } from '../shared/drift/index.ts';
import type { Guard, GuardStore } from '../shared/guards/index.ts';
import type { Hub } from '../shared/hub/index.ts';
import type { PolicySet } from '../shared/policy/index.ts';
import { Reconciler } from '../shared/reconcile/index.ts';
import { createSweepQueue, Sweeper, type SweepQueue, SweepWorker } from '../shared/sweep/index.ts';
import type { SweepStore } from '../shared/sweep/store/index.ts';
import { toLog } from './log.ts';
import type { Settings } from './settings.ts';

/** What the rest of the app puts at the sweep's disposal. */
export interface SweepingParts {
  readonly settings: Settings;
  readonly policies: PolicySet;
  readonly hub: Hub;
  readonly journal: Journal;
  readonly guard: Guard;
  readonly guardStore: GuardStore;
  readonly openList: OpenList;
  readonly sweepStore: SweepStore;
  readonly clock: Clock;
}

/** What sweeps. Messages go to the log of the invocation for which it is made. */
export interface Sweeping {
  readonly queue: SweepQueue;
  sweeperFor(context: InvocationContext): Sweeper;
  workerFor(context: InvocationContext): SweepWorker;
}

/** Puts the sweep together. To be imported when there is something to sweep: most instances of the app start for something else. */
export function createSweeping(parts: SweepingParts): Sweeping {
  const { settings, policies, hub, journal, guard, guardStore, openList, sweepStore, clock } = parts;
  const queue = createSweepQueue(settings.storage);

  function sweeperFor(context: InvocationContext): Sweeper {
    return new Sweeper({
      policies,
      hub,
      store: sweepStore,
      queue,
      notes: guardStore,
      openList,
      log: toLog(context),
      clock,
      minutes: settings.sweep.minutes,
    });
  }

  return {
    queue,
    sweeperFor,
    workerFor(context) {
      const log = toLog(context);
      return new SweepWorker({
        sweeper: sweeperFor(context),
        reconcilerFor: (lane) => new Reconciler({ policies, hub: lane, journal, log, guard, clock }),
        hub,
        store: sweepStore,
        queue,
        log,
        retry: settings.retry,
      });
    },
  };
}
