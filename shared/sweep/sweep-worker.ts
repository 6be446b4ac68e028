import pMap from 'p-map';
import type { Clock } from '../clock.ts';
import type { Hub, OperationClass } from '../hub/index.ts';
import type { Log } from '../log.ts';
import { describeThrown } from '../policy/index.ts';
import {
  type DeviceResult,
  type Reconciler,
  type RetrySchedule,
  workForMissingModule,
  workForModule,
} from '../reconcile/index.ts';
import type { BlobFolders } from '../storage/index.ts';
import {
  answerFromImport,
  BackfillCoordinator,
  collectCreations,
  loadResults,
  stepOf,
  writeLines,
} from './backfill/index.ts';
import type { QueuedItem, SweepStore } from './store/index.ts';
import type { Sweeper } from './sweeper.ts';
import { queueAgain, queueWorkItem, readSweepMessage, type SweepQueue, type WorkItemMessage } from './work-queue.ts';

export interface SweepWorkerDependencies {
  readonly sweeper: Sweeper;
  /** Creates a reconciler that uses this hub client. */
  reconcilerFor(hub: Hub): Reconciler;
  readonly hub: Hub;
  readonly store: SweepStore;
  readonly queue: SweepQueue;
  /** The folders of blobs that the hub's jobs read and write. */
  readonly folders: BlobFolders;
  readonly log: Log;
  readonly retry: RetrySchedule;
  readonly clock: Clock;
  /** Returns a random number from 0 to 1. The number varies the delays, so that not all retries come at the same time. */
  readonly random?: () => number;
}

/**
 * Maximum time in milliseconds for which an invocation waits for the call budget. A work item that must wait longer goes back to the queue.
 */
const longestWait = 30_000;
/** Seconds until the next attempt to start a requested sweep, where another sweep is running. */
const startDelay = 30;
/** Number of devices whose retired rows are written at the same time. */
const retiredAtOnce = 8;
/** Maximum delay of a retry, in seconds. A longer delay has no use: the next sweep finds the same drift. */
const longestDelay = 900;

/** Handles the messages of the sweep's queue: work items, and requests to start or resume a sweep. */
export class SweepWorker {
  readonly #dependencies: Required<SweepWorkerDependencies>;

  constructor(dependencies: SweepWorkerDependencies) {
    this.#dependencies = { random: Math.random, ...dependencies };
  }

  /**
   * Handles one message. If this method throws, the queue delivers the message again.
   *
   * @throws {TypeError} when the message has a wrong shape.
   * @throws {Error} when the storage service fails.
   */
  async handle(message: unknown): Promise<void> {
    const content = readSweepMessage(message);
    const { sweeper, queue, log } = this.#dependencies;
    switch (content.type) {
      case 'part':
        return this.#work(content);
      case 'continue':
        await sweeper.run({ trigger: 'timer', only: content.sweepId });
        return;
      case 'backfill':
        return this.#coordinator().turn(content);
      case 'start': {
        if (await this.#isServed(content.at)) return;
        const { state } = await sweeper.run({ trigger: 'manual' });
        if (state !== 'busy') return;
        // Do not drop the request: the running sweep may already be past the drift that the requested sweep must find.
        log.info(
          `A sweep was requested while another one is running: it tries to start again in ${startDelay} seconds.`,
        );
        await queue.put(content, startDelay);
      }
    }
  }

  /** Whether a sweep has started since it was requested. Many requests at one time then start one sweep, and not one each. */
  async #isServed(requestedAt: string | undefined): Promise<boolean> {
    if (requestedAt === undefined) return false;
    const [newest] = await this.#dependencies.store.list(1);
    return newest !== undefined && newest.startedAt >= requestedAt;
  }

  /** Records a work item that the queue no longer delivers, because it failed too often. The next sweep finds its devices again. */
  async deadLetter(message: unknown): Promise<void> {
    const { store, log } = this.#dependencies;
    const content = readSweepMessage(message);
    if (content.type === 'backfill') return this.#coordinator().abandon(content);
    if (content.type !== 'part') return;
    const { sweepId, part: workItem } = content;
    const item = await this.#itemOf(content);
    if (item === undefined) return;
    const { length } = item.devices;
    log.error(
      `Work item ${workItem} of sweep ${sweepId} failed at every attempt. Its ${length} devices are left to the next sweep.`,
    );
    const nothing = { examined: 0, found: 0, changed: 0, hubCalls: 0 };
    await store.recordWorkItem(sweepId, workItem, { ...nothing, deferred: length });
    await store.removeWorkItem(item);
  }

  /** Returns the work item of a message. `undefined` for an old copy of a message, whose work item is done or was queued again. */
  async #itemOf({ turn, ...key }: WorkItemMessage): Promise<QueuedItem | undefined> {
    const item = await this.#dependencies.store.workItem(key);
    return item === undefined || turn < item.turn ? undefined : item;
  }

  async #work(message: WorkItemMessage): Promise<void> {
    const { hub, store, reconcilerFor, log, random } = this.#dependencies;
    const item = await this.#itemOf(message);
    if (item === undefined) return;
    if (item.backfill === 'wait') return checkNotHandedOut(item, message);
    const { devices } = item;
    const wait = this.#waitFor(item);
    // The work item goes back to the queue before anything is recorded: waiting for the call budget is not a failed attempt.
    if (wait > longestWait) {
      return queueAgain(this.#dependencies, item, { delay: (wait / 1000) * (1 + random() / 4) });
    }

    let hubCalls = 0;
    const lane = hub.lane('sweep', () => hubCalls++);
    if (item.backfill === 'prepare') return this.#prepare(item, lane, () => hubCalls);
    const imported =
      item.backfill === 'record' ? await loadResults(store, { sweepId: item.sweepId, step: stepOf(item) }) : undefined;
    const results = await this.#reconcile(
      item,
      reconcilerFor(imported === undefined ? lane : answerFromImport(lane, imported)),
    );

    const { round = item.attempt } = item;
    const isFirst = round === 0;
    const name = isFirst ? item.part : `${item.part}.${round}`;
    const deferred = results.filter((result) => result.deferred !== undefined);
    await store.recordWorkItem(item.sweepId, name, {
      examined: isFirst ? results.length : 0,
      found: isFirst ? results.reduce((sum, { found }) => sum + found, 0) : 0,
      changed: results.reduce((sum, { changed }) => sum + changed, 0),
      hubCalls,
      deferred: isFirst ? deferred.length : 0,
    });
    const [first] = deferred;
    const left = deferred.map(({ deviceId }) => deviceId);
    if (first === undefined) await store.removeWorkItem(item);
    else if (deferred.every(({ retryAfter }) => retryAfter !== undefined)) {
      // All devices only wait, which is not a failed attempt.
      const delay = Math.max(1, ...deferred.map(({ retryAfter = 0 }) => retryAfter)) * (1 + random() / 4);
      await queueAgain(this.#dependencies, item, { devices: left, delay, round: round + 1, backfill: undefined });
    } else await this.#retry(item, left, first.deferred, Math.max(...deferred.map(({ retryAfter = 0 }) => retryAfter)));
    log.info(`Sweep ${item.sweepId}, work item ${name}: ${devices.length} devices, ${deferred.length} deferred.`);
  }

  /** Works on the devices of a work item. */
  async #reconcile(
    { finding, devices, moduleId, at }: QueuedItem,
    reconciler: Reconciler,
  ): Promise<readonly DeviceResult[]> {
    const { policies } = reconciler;
    const write = { version: 0, at, exact: false };
    const toWork = finding === 'missing' ? workForMissingModule : workForModule;
    /** Retires the rows of a device. Returns work on the modules that a killed pass left with `pending` rows. */
    const retire = async (deviceId: string) => {
      const unfinished = await reconciler.retire(deviceId);
      return {
        deviceId,
        modules: new Map(unfinished.flatMap((id) => [...workForModule(policies, deviceId, id, write).modules])),
      };
    };
    const all =
      finding === 'retired'
        ? await pMap(devices, retire, { concurrency: retiredAtOnce })
        : devices.map((deviceId) => toWork(policies, deviceId, moduleId, write));
    const works = all.filter(({ modules }) => modules.size > 0);
    return reconciler.reconcile(works, 'sweep');
  }

  /**
   * Prepares a work item for an import job: stores the history rows of the missing modules, and writes the lines of the job. Devices with
   * another problem go to a work item of their own, which makes bulk calls.
   */
  async #prepare(item: QueuedItem, lane: Hub, hubCalls: () => number): Promise<void> {
    const { store, reconcilerFor, clock, log } = this.#dependencies;
    const { hub, modules } = collectCreations(lane);
    const results = await this.#reconcile(item, reconcilerFor(hub));
    const collected = new Set(modules.map(({ deviceId }) => deviceId));
    const others = results.filter(({ deviceId, deferred }) => deferred !== undefined && !collected.has(deviceId));
    if (others.length > 0) {
      const { sweepId, moduleId, finding } = item;
      const devices = others.map(({ deviceId }) => deviceId);
      const at = clock.now().toISOString();
      await queueWorkItem(this.#dependencies, { sweepId, part: `${item.part}.b`, moduleId, finding, at, devices });
    }
    const counts = { examined: 0, found: 0, changed: 0, hubCalls: hubCalls(), deferred: 0 };
    if (modules.length > 0) {
      await store.recordWorkItem(item.sweepId, `${item.part}.p`, counts);
      try {
        await writeLines(this.#dependencies, item, modules);
      } catch (error) {
        // Without the blob there is no import job, but the modules must be created.
        log.warn(
          `Work item ${item.part} makes bulk calls, because the lines of the import job cannot be written: ${describeThrown(error)}`,
        );
        await queueAgain(this.#dependencies, item, { delay: 0, backfill: undefined });
      }
    } else {
      await store.recordWorkItem(item.sweepId, item.part, { ...counts, examined: results.length });
      await store.removeWorkItem(item);
    }
  }

  #coordinator(): BackfillCoordinator {
    const { hub, ...rest } = this.#dependencies;
    return new BackfillCoordinator({ ...rest, hub: hub.lane('sweep') });
  }

  /** Queues devices again. `atLeast`: the minimum number of seconds until the retry. */
  async #retry(item: QueuedItem, devices: readonly string[], reason = '', atLeast = 0): Promise<void> {
    const { store, log, retry, random } = this.#dependencies;
    const round = (item.round ?? item.attempt) + 1;
    const wait = this.#waitFor(item) / 1000;
    // The call budget is used up at this time. Waiting for the budget does not count as an attempt.
    if (wait > retry.firstDelay) {
      return queueAgain(this.#dependencies, item, {
        devices,
        delay: wait * (1 + random() / 4),
        round,
        backfill: undefined,
      });
    }
    const attempt = item.attempt + 1;
    if (attempt >= retry.attempts) {
      log.warn(`${devices.length} devices are left to the next sweep after ${attempt} attempts: ${reason}`);
      return store.removeWorkItem(item);
    }
    const doubled = Math.min(longestDelay, retry.firstDelay * 2 ** item.attempt);
    const delay = Math.max(atLeast, Math.min(longestDelay, doubled * (0.75 + random() / 2)));
    await queueAgain(this.#dependencies, item, { devices, attempt, delay, round, backfill: undefined });
  }

  /**
   * Returns the milliseconds that a work item must wait for the call budget. A missing module takes one bulk call for all devices. A suspect
   * module takes one read per device. Retired rows take no hub call, except after a pass was killed.
   */
  #waitFor({ finding, backfill }: QueuedItem): number {
    if (finding === 'retired' || backfill === 'record') return 0;
    const operation: OperationClass = finding === 'missing' && backfill === undefined ? 'bulk' : 'twinRead';
    return this.#dependencies.hub.lane('sweep').waitFor(operation);
  }
}

/**
 * Ignores an old message of a work item that waits for an import job.
 *
 * @throws {Error} when the work item was handed out, and the store does not show it yet. The queue then delivers the message again.
 */
function checkNotHandedOut({ part, turn }: QueuedItem, message: WorkItemMessage): void {
  if (message.turn > turn) throw new Error(`The work item ${part} is not handed out yet.`);
}
