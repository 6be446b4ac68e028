import type { Hub, OperationClass } from '../hub/index.ts';
import type { Log } from '../log.ts';
import { type Reconciler, type RetrySchedule, workForMissingModule, workForModule } from '../reconcile/index.ts';
import type { SweepStore } from './store/index.ts';
import type { Sweeper } from './sweeper.ts';
import { readSweepMessage, type SweepQueue, type WorkItem } from './work-queue.ts';

export interface SweepWorkerDependencies {
  readonly sweeper: Sweeper;
  /** Creates a reconciler that uses this hub client. */
  reconcilerFor(hub: Hub): Reconciler;
  readonly hub: Hub;
  readonly store: SweepStore;
  readonly queue: SweepQueue;
  readonly log: Log;
  readonly retry: RetrySchedule;
  /** Returns a random number from 0 to 1. The number varies the delays, so that not all retries come at the same time. */
  readonly random?: () => number;
}

/**
 * Maximum time in milliseconds for which an invocation waits for the call budget. A work item that must wait longer goes back to the queue.
 */
const longestWait = 30_000;
/** Seconds until the next attempt to start a requested sweep, where another sweep is running. */
const startDelay = 30;
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
    if (content.type !== 'part') return;
    const { sweepId, part: workItem, devices } = content;
    log.error(
      `Work item ${workItem} of sweep ${sweepId} failed at every attempt. ` +
        `Its ${devices.length} devices are left to the next sweep.`,
    );
    const nothing = { examined: 0, found: 0, changed: 0, hubCalls: 0 };
    await store.recordWorkItem(sweepId, workItem, { ...nothing, deferred: devices.length });
  }

  async #work(item: WorkItem): Promise<void> {
    const { hub, store, queue, reconcilerFor, log, random } = this.#dependencies;
    const wait = hub.lane('sweep').waitFor(operationOf(item));
    // The work item goes back to the queue before anything is recorded: waiting for the call budget is not a failed attempt.
    if (wait > longestWait) return queue.put(item, (wait / 1000) * (1 + random() / 4));

    let hubCalls = 0;
    const reconciler = reconcilerFor(hub.lane('sweep', () => hubCalls++));
    const { policies } = reconciler;
    const write = { version: 0, at: item.at, exact: false };
    const toWork = item.finding === 'missing' ? workForMissingModule : workForModule;
    const works = item.devices
      .map((deviceId) => toWork(policies, deviceId, item.moduleId, write))
      .filter(({ modules }) => modules.size > 0);
    const results = await reconciler.reconcile(works, 'sweep');

    const deferred = results.filter((result) => result.deferred !== undefined);
    const name = item.attempt === 0 ? item.part : `${item.part}.${item.attempt}`;
    await store.recordWorkItem(item.sweepId, name, {
      examined: item.attempt === 0 ? works.length : 0,
      found: item.attempt === 0 ? results.reduce((sum, { found }) => sum + found, 0) : 0,
      changed: results.reduce((sum, { changed }) => sum + changed, 0),
      hubCalls,
      deferred: item.attempt === 0 ? deferred.length : 0,
    });
    if (deferred.length > 0)
      await this.#retry(
        item,
        deferred.map(({ deviceId }) => deviceId),
        deferred[0]?.deferred,
      );
    log.info(`Sweep ${item.sweepId}, work item ${name}: ${works.length} devices, ${deferred.length} deferred.`);
  }

  async #retry(item: WorkItem, devices: readonly string[], reason = ''): Promise<void> {
    const { hub, queue, log, retry, random } = this.#dependencies;
    const wait = hub.lane('sweep').waitFor(operationOf(item)) / 1000;
    // The call budget is used up at this time. Waiting for the budget does not count as an attempt.
    if (wait > retry.firstDelay) return queue.put({ ...item, devices }, wait * (1 + random() / 4));
    const attempt = item.attempt + 1;
    if (attempt >= retry.attempts) {
      log.warn(`${devices.length} devices are left to the next sweep after ${attempt} attempts: ${reason}`);
      return;
    }
    const delay = Math.min(longestDelay, retry.firstDelay * 2 ** item.attempt) * (0.75 + random() / 2);
    await queue.put({ ...item, devices, attempt }, delay);
  }
}

/**
 * Returns the class of the hub calls that a work item makes. A missing module takes one bulk call for all devices. A suspect module takes
 * one read per device.
 */
function operationOf({ finding }: WorkItem): OperationClass {
  return finding === 'missing' ? 'bulk' : 'twinRead';
}
