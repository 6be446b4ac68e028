import type { InvocationContext } from '@azure/functions';
import { systemClock } from '../shared/clock.ts';
import {
  createDeadLetters,
  createGuardStore,
  createHistory,
  createJournal,
  createOpenList,
  createRetention,
  createRollups,
  createSweepStore,
  type DeadLetters,
  type GuardStore,
  type History,
  type Rollups,
  type SweepStore,
} from '../shared/drift/index.ts';
import { connectToHub, type Hub } from '../shared/hub/index.ts';
import type { Log } from '../shared/log.ts';
import { type PolicyDefinition, type PolicySet, toPolicySet } from '../shared/policy/index.ts';
import {
  createDeferredQueue,
  createGuards,
  type DeferredQueue,
  EventProcessor,
  Reconciler,
} from '../shared/reconcile/index.ts';
import { createSweepQueue, Sweeper, type SweepQueue, SweepWorker } from '../shared/sweep/index.ts';
import type { Settings } from './settings.ts';

/** Everything that the triggers work with, put together once. */
export interface App {
  readonly settings: Settings;
  readonly policies: PolicySet;
  readonly hub: Hub;
  readonly history: History;
  readonly rollups: Rollups;
  readonly retention: ReturnType<typeof createRetention>;
  readonly letters: DeadLetters;
  readonly deferredQueue: DeferredQueue;
  readonly guardStore: GuardStore;
  readonly sweepStore: SweepStore;
  readonly sweepQueue: SweepQueue;
  now(): Date;
  /** The processor, its messages going to this invocation's log. */
  processorFor(context: InvocationContext): EventProcessor;
  /** What looks at devices now, because somebody asks for it. */
  reconcilerFor(context: InvocationContext): Reconciler;
  sweeperFor(context: InvocationContext): Sweeper;
  sweepWorkerFor(context: InvocationContext): SweepWorker;
}

/**
 * Puts the app together. Nothing is connected to yet: clients open on first use.
 *
 * @throws {PolicyFaultsError} when a policy is wrong.
 */
export function createApp(settings: Settings, definitions: readonly PolicyDefinition[]): App {
  const clock = systemClock;
  const now = () => clock.now();
  const policies = toPolicySet(definitions, { mode: settings.mode });
  const hub = connectToHub(settings.hub, { budget: settings.budget, clock });
  const journal = createJournal(settings.storage, now);
  const letters = createDeadLetters(settings.storage, now);
  const queue = createDeferredQueue(settings.storage, letters);
  const sweepStore = createSweepStore(settings.storage, now);
  const sweepQueue = createSweepQueue(settings.storage);
  const openList = createOpenList(settings.storage, now);
  const guardStore = createGuardStore(settings.storage, { clock });
  const guard = createGuards({
    store: guardStore,
    limit: settings.maxOverwrites,
    countDevices: async () => {
      const answer = await hub.countDevices();
      return answer.ok ? answer.value : undefined;
    },
    clock,
    // What guards say is of the app as a whole, and of no invocation.
    log: console,
  });

  function reconcilerFor(context: InvocationContext): Reconciler {
    return new Reconciler({ policies, hub, journal, log: toLog(context), guard, clock });
  }

  function sweeperFor(context: InvocationContext): Sweeper {
    return new Sweeper({
      policies,
      hub,
      store: sweepStore,
      queue: sweepQueue,
      notes: guardStore,
      openList,
      log: toLog(context),
      clock,
      minutes: settings.sweep.minutes,
    });
  }

  return {
    settings,
    policies,
    hub,
    history: createHistory(settings.storage, now),
    rollups: createRollups(settings.storage, now),
    retention: createRetention(settings.storage),
    letters,
    deferredQueue: queue,
    guardStore,
    sweepStore,
    sweepQueue,
    now,
    processorFor(context) {
      const reconciler = reconcilerFor(context);
      return new EventProcessor({ reconciler, queue, letters, log: toLog(context), retry: settings.retry });
    },
    reconcilerFor,
    sweeperFor,
    sweepWorkerFor(context) {
      const log = toLog(context);
      return new SweepWorker({
        sweeper: sweeperFor(context),
        reconcilerFor: (lane) => new Reconciler({ policies, hub: lane, journal, log, guard, clock }),
        hub,
        store: sweepStore,
        queue: sweepQueue,
        log,
        retry: settings.retry,
      });
    },
  };
}

function toLog(context: InvocationContext): Log {
  return {
    info: (message) => context.info(message),
    warn: (message) => context.warn(message),
    error: (message) => context.error(message),
  };
}
