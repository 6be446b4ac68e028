import type { InvocationContext } from '@azure/functions';
import { systemClock } from '../shared/clock.ts';
import {
  createHistory,
  createJournal,
  createOpenList,
  createRetention,
  createRollups,
  type History,
  type Retention,
  type Rollups,
} from '../shared/drift/index.ts';
import { createGuardStore, createGuards, type GuardStore } from '../shared/guards/index.ts';
import { connectToHub, type Hub } from '../shared/hub/index.ts';
import { once } from '../shared/once.ts';
import { type PolicyDefinition, type PolicySet, toPolicySet } from '../shared/policy/index.ts';
import { EventProcessor, Reconciler } from '../shared/reconcile/index.ts';
import { createDeadLetters, createDeferredQueue, type DeadLetters, type DeferredQueue } from '../shared/retry/index.ts';
import type { Sweeper, SweepQueue, SweepWorker } from '../shared/sweep/index.ts';
import {
  createSweepRetention,
  createSweepStore,
  type SweepRetention,
  type SweepStore,
} from '../shared/sweep/store/index.ts';
import { toLog } from './log.ts';
import type { Settings } from './settings.ts';

/** All parts of the app, put together once. Each function takes the parts that it needs. */
export interface App {
  readonly settings: Settings;
  readonly policies: PolicySet;
  readonly hub: Hub;
  readonly history: History;
  readonly rollups: Rollups;
  readonly retention: Retention;
  readonly letters: DeadLetters;
  readonly deferredQueue: DeferredQueue;
  readonly guardStore: GuardStore;
  readonly sweepStore: SweepStore;
  readonly sweepRetention: SweepRetention;
  now(): Date;
  /** A reconciler that logs to this invocation. */
  reconcilerFor(context: InvocationContext): Reconciler;
  /** An event processor that logs to this invocation. */
  processorFor(context: InvocationContext): EventProcessor;
  /** The sweep's code, loaded on its first use: most instances start for something else. */
  sweeping(): Promise<Sweeping>;
}

/** The parts of the sweep. */
export interface Sweeping {
  readonly queue: SweepQueue;
  /** A sweeper that logs to this invocation. */
  sweeperFor(context: InvocationContext): Sweeper;
  /** A worker that logs to this invocation. */
  workerFor(context: InvocationContext): SweepWorker;
}

/**
 * Checks the policies and puts the app together. It connects to nothing: clients open, and the SDKs load, on first use.
 *
 * @throws {PolicyFaultsError} when a policy is wrong.
 */
export function compose(settings: Settings, definitions: readonly PolicyDefinition[]): App {
  const { storage } = settings;
  const clock = systemClock;
  const now = () => clock.now();
  const policies = toPolicySet(definitions, { mode: settings.mode });
  const hub = connectToHub(settings.hub, { budget: settings.budget, clock });
  const journal = createJournal(storage, now);
  const letters = createDeadLetters(storage, now);
  const deferredQueue = createDeferredQueue(storage, letters);
  const sweepStore = createSweepStore(storage, now);
  const guardStore = createGuardStore(storage, { clock });
  const guard = createGuards({
    store: guardStore,
    limit: settings.maxOverwrites,
    countDevices: async () => {
      const answer = await hub.countDevices();
      return answer.ok ? answer.value : undefined;
    },
    clock,
    // Guards serve the whole app, so they log to no single invocation.
    log: console,
  });

  const reconcilerFor = (context: InvocationContext) =>
    new Reconciler({ policies, hub, journal, log: toLog(context), guard, clock });

  const processorFor = (context: InvocationContext) =>
    new EventProcessor({
      reconciler: reconcilerFor(context),
      queue: deferredQueue,
      deadLetters: letters,
      log: toLog(context),
      retry: settings.retry,
    });

  const sweeping = once(async (): Promise<Sweeping> => {
    const { createSweepQueue, Sweeper, SweepWorker } = await import('../shared/sweep/index.ts');
    const queue = createSweepQueue(storage);
    const openList = createOpenList(storage, now);
    const sweeperFor = (context: InvocationContext) =>
      new Sweeper({
        policies,
        hub,
        store: sweepStore,
        queue,
        guardStore,
        openList,
        log: toLog(context),
        clock,
        minutes: settings.sweep.minutes,
      });
    const workerFor = (context: InvocationContext) => {
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
    };
    return { queue, sweeperFor, workerFor };
  });

  return {
    settings,
    policies,
    hub,
    history: createHistory(storage, now),
    rollups: createRollups(storage, now),
    retention: createRetention(storage),
    letters,
    deferredQueue,
    guardStore,
    sweepStore,
    sweepRetention: createSweepRetention(storage),
    now,
    reconcilerFor,
    processorFor,
    sweeping,
  };
}
