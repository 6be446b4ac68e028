import pMap from 'p-map';
import { systemClock } from '../clock.ts';
import {
  type DriftRow,
  type Journal,
  noRunningPasses,
  type OutcomeChange,
  type Source,
  withOutcome,
} from '../drift/index.ts';
import { noGuard } from '../guards/index.ts';
import type { Answer, NewModule } from '../hub/index.ts';
import { once } from '../once.ts';
import type { PolicySet } from '../policy/index.ts';
import { DevicePass } from './device-pass.ts';
import { TwinUnread } from './device-reader.ts';
import type { DeviceWork } from './device-work.ts';
import { isInForce } from './is-in-force.ts';
import type { DeviceCounts, PassStep } from './pass-step.ts';
import type { CompleteDependencies, ReconcilerDependencies } from './reconciler-dependencies.ts';
import { waitOf } from './record-answer.ts';

/** The result of the work on one device. `deferred` is set when the device must be retried later, and holds the reason. */
export interface DeviceResult extends DeviceCounts {
  readonly deviceId: string;
  readonly deferred?: string;
  /**
   * Seconds until the retry, when the device only waits: for a deleted module to settle, or for the budget of hub calls. Such a wait is not a
   * failed attempt.
   */
  readonly retryAfter?: number;
}

/** Options of {@link Reconciler.reconcile}. */
export interface ReconcileOptions {
  /** When the invocation must end, in milliseconds since 1970. Devices whose work has not begun by then are deferred at once. Default: never. */
  readonly deadline?: number;
  /**
   * Runs as soon as the work on a device has ended. The call waits for it. After an error no further device is begun, and the call throws the error
   * at its end.
   */
  readonly onResult?: (result: DeviceResult) => Promise<void>;
}

/**
 * Number of devices that one invocation works on at the same time, by the cause of the work. 16 devices are enough to hide the latency of
 * the hub and of the tables. A sweep uses only 4, because a sweep has many parallel invocations and is less urgent than events.
 */
const concurrencyOf: Readonly<Record<Source, number>> = { event: 16, manual: 16, sweep: 4 };

/**
 * Brings devices in line with the policies. The reconciler is level-triggered: the work decides which twins are read, and the present twins
 * decide what changes. Any work can be repeated, also after a crash. A repetition gives the same twins and the same history.
 */
export class Reconciler {
  readonly #dependencies: CompleteDependencies;

  constructor(dependencies: ReconcilerDependencies) {
    this.#dependencies = {
      guard: noGuard,
      clock: systemClock,
      settleTime: 0,
      runningPasses: noRunningPasses,
      ...dependencies,
    };
  }

  get policies(): PolicySet {
    return this.#dependencies.policies;
  }

  /**
   * Works on several devices. Creates the missing modules of all devices together, in few bulk calls. Returns the results in the order of
   * `works`. An error with one device, such as an error of storage, defers only that device.
   */
  async reconcile(
    works: readonly DeviceWork[],
    source: Source,
    options: ReconcileOptions = {},
  ): Promise<readonly DeviceResult[]> {
    const { runningPasses, journal, log } = this.#dependencies;
    const devices = works.map(({ deviceId }) => deviceId);
    let running: string | undefined;
    const begin = once(async () => {
      running = await runningPasses.begin(devices);
    });
    let hasFailed = false;
    const results = await this.#runPasses(works, source, options, {
      read: (...args) => journal.read(...args),
      // Work that changes no row is not stored as running.
      async write(...change) {
        await begin();
        try {
          return await journal.write(...change);
        } catch (error) {
          hasFailed = true;
          throw error;
        }
      },
    });
    // A write that failed can leave `pending` rows, as a killed pass does. A sweep then checks the devices.
    if (running !== undefined && !hasFailed) {
      await runningPasses.end(running).catch((error: unknown) => {
        log.warn(`The next sweep checks the rows of ${devices.length} devices once more: ${messageOf(error)}`);
      });
    }
    return results;
  }

  async #runPasses(
    works: readonly DeviceWork[],
    source: Source,
    { deadline = Number.POSITIVE_INFINITY, onResult = async () => {} }: ReconcileOptions,
    journal: Journal,
  ): Promise<readonly DeviceResult[]> {
    const dependencies = { ...this.#dependencies, journal };
    const concurrency = concurrencyOf[source];
    const isLate = () => dependencies.clock.now().getTime() >= deadline;
    const failures: unknown[] = [];
    /** Reports the result of a device whose work has ended. A failure must not keep the other devices from being reported. */
    const report = async (step: PassStep): Promise<PassStep> => {
      if (!('create' in step)) await onResult(toResult(step)).catch((error: unknown) => failures.push(error));
      return step;
    };
    const begin = async (work: DeviceWork) => {
      // All works come again after the error. To report the rest could take longer than the invocation may.
      if (failures.length > 0) return outOfTime(work.deviceId);
      return report(
        isLate()
          ? outOfTime(work.deviceId)
          : await this.#runStep(work.deviceId, () => new DevicePass(dependencies, work, source).begin()),
      );
    };
    let steps = await pMap(works, begin, { concurrency });

    for (;;) {
      const modules = steps.flatMap((step) => ('create' in step ? step.create : []));
      if (modules.length === 0) break;
      const answers = await this.#createModules(modules);
      steps = await pMap(
        steps,
        async (step) =>
          'create' in step
            ? report(
                await this.#runStep(step.deviceId, () => step.resume((module) => answers.get(module) ?? notCreated)),
              )
            : step,
        { concurrency },
      );
    }
    if (failures.length > 0) throw failures[0];
    return steps.map(toResult);
  }

  /** Sets the `pending` and `deferred` rows of a device to `failed`. Returns the number of these rows. */
  async giveUp(deviceId: string, reason: string): Promise<number> {
    return this.#setOutcomes(deviceId, (row) => row.outcome === 'pending' || row.outcome === 'deferred', {
      outcome: 'failed',
      error: reason,
      by: 'retries',
    });
  }

  /**
   * Sets the open rows of a device that no policy demands any more to `retired`, also the `pending` rows of a killed pass. Makes no hub
   * call, so the scopes are tested by the device id alone. Returns the ids of the modules that have other `pending` rows.
   */
  async retire(deviceId: string): Promise<readonly string[]> {
    const { policies, journal } = this.#dependencies;
    await this.#setOutcomes(
      deviceId,
      (row) => !isInForce(row, policies.all),
      { outcome: 'retired', by: 'sweep' },
      allTime,
    );
    const { open } = await journal.read(deviceId, allTime);
    return [...new Set(open.flatMap(({ moduleId, outcome }) => (outcome === 'pending' ? moduleId : [])))];
  }

  /**
   * Sets the outcome of the open rows of a device that `isChosen` accepts. Returns the number of these rows.
   *
   * @param since The time from which rows without an open entry are also found, ISO 8601. A pass that was killed can leave such rows.
   * @throws {Error} when other processes changed the rows during each attempt
   */
  async #setOutcomes(
    deviceId: string,
    isChosen: (row: DriftRow) => boolean,
    change: Omit<OutcomeChange, 'at'>,
    since?: string,
  ): Promise<number> {
    const { journal, clock } = this.#dependencies;
    for (let attempt = 0; attempt < setOutcomeAttempts; attempt++) {
      const known = await journal.read(deviceId, since);
      const at = clock.now().toISOString();
      const rows = known.open.filter(isChosen).map((row) => withOutcome(row, { ...change, at }));
      if (rows.length === 0 || (await journal.write(deviceId, rows, known)) === 'written') return rows.length;
    }
    throw new Error(`The rows of ${deviceId} were changed by other processes during ${setOutcomeAttempts} attempts.`);
  }

  async #createModules(modules: readonly NewModule[]): Promise<ReadonlyMap<NewModule, Answer<void>>> {
    try {
      const answers = await this.#dependencies.hub.createModules(modules);
      return new Map(modules.map((module, index) => [module, answers[index] ?? notCreated]));
    } catch (error) {
      this.#dependencies.log.error(`Creating ${modules.length} modules failed: ${messageOf(error)}`);
      return new Map();
    }
  }

  /** Runs one step of a pass over a device. When the step throws, the device is deferred. */
  async #runStep(deviceId: string, run: () => Promise<PassStep>): Promise<PassStep> {
    try {
      return await run();
    } catch (error) {
      const retryAfter = error instanceof TwinUnread ? waitOf(error.problem) : undefined;
      if (retryAfter !== undefined) return { deviceId, deferred: messageOf(error), retryAfter, done: noCounts };
      this.#dependencies.log.error(`Device ${deviceId} is deferred: ${messageOf(error)}`);
      return { deviceId, deferred: messageOf(error), done: noCounts };
    }
  }
}

/** Maximum number of attempts to set outcomes. Another process rarely changes the rows of the same device more than once. */
const setOutcomeAttempts = 10;
const allTime = new Date(0).toISOString();
const noCounts: DeviceCounts = { found: 0, changed: 0 };
const notCreated: Answer<void> = { ok: false, problem: { type: 'transient', message: 'the bulk call failed' } };

/** The result of a device whose work did not begin in time. Nothing has failed, so the wait is not a failed attempt. */
function outOfTime(deviceId: string): PassStep {
  return { deviceId, deferred: 'the invocation ran out of time', retryAfter: 1, done: noCounts };
}

function toResult({ deviceId, ...step }: PassStep): DeviceResult {
  return {
    deviceId,
    ...('done' in step ? step.done : noCounts),
    ...('deferred' in step ? { deferred: step.deferred } : {}),
    ...('deferred' in step && step.retryAfter !== undefined ? { retryAfter: step.retryAfter } : {}),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
