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
import { once } from '../shared/once.ts';
import { type PolicyDefinition, type PolicySet, toPolicySet } from '../shared/policy/index.ts';
import {
  createDeferredQueue,
  createGuards,
  type DeferredQueue,
  EventProcessor,
  Reconciler,
} from '../shared/reconcile/index.ts';
import { toLog } from './log.ts';
import type { Settings } from './settings.ts';
import type { Sweeping } from './sweeping.ts';

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
  now(): Date;
  /** The processor, its messages going to this invocation's log. */
  processorFor(context: InvocationContext): EventProcessor;
  /** What looks at devices now, because somebody asks for it. */
  reconcilerFor(context: InvocationContext): Reconciler;
  /** What sweeps, loaded when it is first asked for. */
  sweeping(): Promise<Sweeping>;
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

  const sweeping = once(async () => {
    const { createSweeping } = await import('./sweeping.ts');
    return createSweeping({ settings, policies, hub, journal, guard, guardStore, openList, sweepStore, clock });
  });

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
    now,
    processorFor(context) {
      const reconciler = reconcilerFor(context);
      return new EventProcessor({ reconciler, queue, letters, log: toLog(context), retry: settings.retry });
    },
    reconcilerFor,
    sweeping,
  };
}
