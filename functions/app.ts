import type { InvocationContext } from '@azure/functions';
import type { Clock } from '../shared/clock.ts';
import {
  createHistory,
  createJournal,
  createOpenList,
  createRetention,
  createRollups,
  type History,
  type Rollups,
} from '../shared/drift/index.ts';
import { createGuardStore, createGuards, type GuardStore } from '../shared/guards/index.ts';
import { connectToHub, type Hub } from '../shared/hub/index.ts';
import { once } from '../shared/once.ts';
import type { PolicySet } from '../shared/policy/index.ts';
import { Reconciler } from '../shared/reconcile/index.ts';
import type { DeadLetters, DeferredQueue } from '../shared/retry/index.ts';
import { createSweepRetention, createSweepStore, type SweepStore } from '../shared/sweep/store/index.ts';
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
  readonly sweepRetention: ReturnType<typeof createSweepRetention>;
  readonly letters: DeadLetters;
  readonly deferredQueue: DeferredQueue;
  readonly guardStore: GuardStore;
  readonly sweepStore: SweepStore;
  now(): Date;
  /** What looks at devices, its messages going to this invocation's log. */
  reconcilerFor(context: InvocationContext): Reconciler;
  /** What sweeps, loaded when it is first asked for. */
  sweeping(): Promise<Sweeping>;
}

/** What is there from the start. */
export interface AppParts extends Pick<App, 'settings' | 'policies' | 'letters' | 'deferredQueue'> {
  readonly clock: Clock;
}

/** Puts the app together. Nothing is connected to yet: clients open on first use. */
export function createApp({ settings, policies, letters, deferredQueue, clock }: AppParts): App {
  const now = () => clock.now();
  const hub = connectToHub(settings.hub, { budget: settings.budget, clock });
  const journal = createJournal(settings.storage, now);
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
    sweepRetention: createSweepRetention(settings.storage),
    letters,
    deferredQueue,
    guardStore,
    sweepStore,
    now,
    reconcilerFor,
    sweeping,
  };
}
