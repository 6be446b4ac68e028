import type { InvocationContext } from '@azure/functions';
import packageJson from '../package.json' with { type: 'json' };
import { type ActionLog, createActionLog } from '../shared/actions/index.ts';
import { systemClock } from '../shared/clock.ts';
import {
  createHistory,
  createJournal,
  createOpenList,
  createOpenSnapshots,
  createRetention,
  createRollups,
  createRunningPasses,
  createStoredRows,
  type History,
  type OpenSnapshots,
  type Retention,
  type Rollups,
} from '../shared/drift/index.ts';
import { createPolicyVersions, type PolicyVersions } from '../shared/evidence/index.ts';
import type { Sealer } from '../shared/evidence/seal/index.ts';
import { createGuardStore, createGuards, type GuardStore } from '../shared/guards/index.ts';
import { connectToHub, dailyMessages, type Hub } from '../shared/hub/index.ts';
import { once } from '../shared/once.ts';
import { type PolicySet, type Versions, versionsOf } from '../shared/policy/index.ts';
import { EventProcessor, Reconciler } from '../shared/reconcile/index.ts';
import { createDeadLetters, createDeferredQueue, type DeadLetters, type DeferredQueue } from '../shared/retry/index.ts';
import { AppShare, createStatusStore, type StatusStore, UsageRecorder } from '../shared/status/index.ts';
import type { Sweeper, SweepQueue, SweepWorker } from '../shared/sweep/index.ts';
import {
  createSweepRetention,
  createSweepStore,
  type SweepRetention,
  type SweepStore,
} from '../shared/sweep/store/index.ts';
import type { HealthDetails } from './api/answers.ts';
import type { AppStatus } from './app-status.ts';
import { instanceName } from './instance-name.ts';
import { type LogContext, toLog } from './log.ts';
import { meteredJournal } from './metered-journal.ts';
import type { Settings } from './settings.ts';
import { createTelemetry, type Telemetry } from './telemetry/index.ts';

/**
 * The components of the app, such as the hub client and the history. `compose` creates them once, and all functions of the app share them.
 */
export interface App {
  readonly settings: Settings;
  readonly policies: PolicySet;
  readonly hub: Hub;
  readonly history: History;
  readonly rollups: Rollups;
  /** What was open, for each day. */
  readonly openSnapshots: OpenSnapshots;
  readonly retention: Retention;
  /** The record of what operators did. */
  readonly actions: ActionLog;
  readonly deadLetters: DeadLetters;
  readonly deferredQueue: DeferredQueue;
  readonly guardStore: GuardStore;
  /** What the rows name as in force. */
  readonly versions: Versions;
  /** The definitions of those versions. */
  readonly policyVersions: PolicyVersions;
  readonly sweepStore: SweepStore;
  readonly sweepRetention: SweepRetention;
  readonly statusStore: StatusStore;
  /** Counts the use of the hub by this process. */
  readonly usage: UsageRecorder;
  /** Counts metrics. Absent when no connection string of Application Insights is given. */
  readonly telemetry: Telemetry | undefined;
  now(): Date;
  /** Creates a reconciler that logs to the invocation `context`, or to the console outside of invocations. */
  reconcilerFor(context: LogContext): Reconciler;
  /** Creates an event processor that logs to the invocation `context`. */
  processorFor(context: InvocationContext): EventProcessor;
  /** Returns the health of the app, from a check that all callers share. Loads the code of the check on the first call. */
  health(): Promise<HealthDetails>;
  /** Loads the code of the status on the first call. */
  loadStatus(): Promise<AppStatus>;
  /** Loads the code of the sweep on the first call. Most instances start for an event and never need the sweep's code. */
  loadSweep(): Promise<SweepComponents>;
  /** Loads the code that seals days on the first call. */
  loadSealer(): Promise<Sealer>;
}

/** The components that only the functions of the sweep need. */
export interface SweepComponents {
  readonly queue: SweepQueue;
  /** Creates a sweeper that logs to the invocation `context`. */
  sweeperFor(context: InvocationContext): Sweeper;
  /** Creates a sweep worker that logs to the invocation `context`. */
  workerFor(context: InvocationContext): SweepWorker;
  /** Removes the blobs of jobs that crashed. Returns their number. */
  removeOldFolders(): Promise<number>;
}

/**
 * Creates all components of the app. This function opens no connection. Each client connects on its first use, and each SDK is loaded on its
 * first use.
 */
export function compose(settings: Settings, policies: PolicySet): App {
  const { storage } = settings;
  const clock = systemClock;
  const now = () => clock.now();
  const later = (milliseconds: number, run: () => void) => void setTimeout(run, milliseconds).unref();
  const statusStore = createStatusStore(storage, now);
  const instance = instanceName(process.env);
  const usage = new UsageRecorder({ store: (day) => statusStore.putUsage(instance, day), now, later });
  const telemetry = createTelemetry(process.env, { now, later });
  const share = new AppShare({
    instance,
    usage,
    uses: () => statusStore.instances(),
    dailyMessages: dailyMessages(settings.budget),
    clock,
  });
  const hub = connectToHub(settings.hub, {
    budget: settings.budget,
    clock,
    share,
    onCalled(call) {
      share.called(call);
      telemetry?.metrics.count('twinkeeper.hub.calls', { class: call.operation });
      const isQuota = call.problem?.type === 'throttled' && call.problem.quota !== undefined;
      if (call.result === 'throttled' && !isQuota)
        telemetry?.metrics.count('twinkeeper.hub.throttled', { class: call.operation });
    },
  });
  const journal = meteredJournal(createJournal(storage, now), (policy, outcome) =>
    telemetry?.metrics.count('twinkeeper.drift', { policy, outcome }),
  );
  const deadLetters = createDeadLetters(storage, now);
  const deferredQueue = createDeferredQueue(storage, deadLetters);
  const sweepStore = createSweepStore(storage, now);
  const guardStore = createGuardStore(storage, { clock });
  const guard = createGuards({
    store: guardStore,
    limit: settings.blastRadius,
    overridesConfigurations: (name) =>
      policies.all.some((policy) => policy.name === name && policy.overrideConfigurations),
    countDevices: async () => {
      const answer = await hub.countDevices();
      return answer.ok ? answer.value : undefined;
    },
    clock,
    // All invocations share the guards, so the guards log to the console and not to one invocation.
    log: console,
  });

  const versions = versionsOf(policies, packageJson.version);
  const policyVersions = createPolicyVersions(storage, now);
  const settleTime = settings.settleSeconds * 1000;
  const runningPasses = createRunningPasses(storage, now);
  const reconcilerFor = (context: LogContext) =>
    new Reconciler({ policies, hub, journal, log: toLog(context), guard, clock, settleTime, runningPasses, versions });

  const processorFor = (context: InvocationContext) =>
    new EventProcessor({
      reconciler: reconcilerFor(context),
      queue: deferredQueue,
      deadLetters,
      log: toLog(context),
      retry: settings.retry,
    });

  const loadSweep = once(async (): Promise<SweepComponents> => {
    const {
      backfillAbove,
      createJobFolders,
      createSweepQueue,
      exportAbove,
      removeOldJobFolders,
      Sweeper,
      SweepWorker,
    } = await import('../shared/sweep/index.ts');
    const folders = createJobFolders(storage, now);
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
        runningPasses,
        guard,
        backfillAbove: backfillAbove(settings.backfill, settings.budget, storage),
        folders,
        exportAbove: exportAbove(settings.sweep.walkBy, settings.budget, storage),
        walkEvery: settings.sweep.walkHours * 3600_000,
        lookEvery:
          settings.sweep.fullLookDays === 0 ? Number.POSITIVE_INFINITY : settings.sweep.fullLookDays * 86_400_000,
        log: toLog(context),
        clock,
        versions,
        minutes: settings.sweep.minutes,
      });
    const workerFor = (context: InvocationContext) => {
      const log = toLog(context);
      return new SweepWorker({
        sweeper: sweeperFor(context),
        reconcilerFor: (lane) =>
          new Reconciler({ policies, hub: lane, journal, log, guard, clock, settleTime, runningPasses, versions }),
        hub,
        store: sweepStore,
        queue,
        folders,
        log,
        retry: settings.retry,
        clock,
      });
    };
    const removeOldFolders = () => removeOldJobFolders(folders, now());
    return { queue, sweeperFor, workerFor, removeOldFolders };
  });

  const actions = createActionLog(storage, { now, appVersion: versions.app });
  const loadSealer = once(async () => {
    const { openSealer } = await import('../shared/evidence/seal/index.ts');
    return openSealer(storage, {
      rows: createStoredRows(storage),
      actions,
      hub: hub.name,
      appVersion: versions.app,
      now,
    });
  });

  const loadStatus = once(async () => {
    const { createAppStatus } = await import('./app-status.ts');
    return createAppStatus({ settings, policies, statusStore, guardStore, sweepStore, now });
  });

  const loadHealth = once(async () => {
    const [{ createHealthCheck }, { checkHealth }] = await Promise.all([
      import('./api/health-check.ts'),
      import('./api/check-health.ts'),
    ]);
    const status = await loadStatus();
    const check = () => checkHealth({ hub, settings, status, now });
    return createHealthCheck({ check, now, sleep: clock.sleep });
  });

  return {
    settings,
    policies,
    hub,
    history: createHistory(storage, now),
    rollups: createRollups(storage, now),
    openSnapshots: createOpenSnapshots(storage, now),
    retention: createRetention(storage, now),
    actions,
    deadLetters,
    deferredQueue,
    guardStore,
    versions,
    policyVersions,
    sweepStore,
    sweepRetention: createSweepRetention(storage),
    statusStore,
    usage,
    telemetry,
    now,
    reconcilerFor,
    processorFor,
    health: async () => (await loadHealth()).latest(),
    loadStatus,
    loadSweep,
    loadSealer,
  };
}
