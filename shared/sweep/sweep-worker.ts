import type { Hub, OperationClass } from '../hub/index.ts';
import type { Log } from '../log.ts';
import { type Reconciler, type RetrySchedule, workForMissingModule, workForModule } from '../reconcile/index.ts';
import type { SweepStore } from './store/index.ts';
import type { Sweeper } from './sweeper.ts';
import { readSweepMessage, type SweepQueue, type WorkItem } from './work-queue.ts';

export interface SweepWorkerDependencies {
  readonly sweeper: Sweeper;
  /** Makes a reconciler whose hub calls are the sweep's, and are counted. */
  reconcilerFor(hub: Hub): Reconciler;
  readonly hub: Hub;
  readonly store: SweepStore;
  readonly queue: SweepQueue;
  readonly log: Log;
  readonly retry: RetrySchedule;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
}

/** Rather than wait longer than this for the hub, in milliseconds, a part goes back into the queue. */
const longestWait = 30_000;
/** Seconds until it is tried again to begin a sweep while another is under way. */
const startDelay = 30;
/** No retry waits longer than this, in seconds: the next sweep would find the same by itself. */
const longestDelay = 900;

/** Deals with the messages of the sweep's queue: work that was found, and requests to begin a sweep or to go on with one. */
export class SweepWorker {
  readonly #dependencies: Required<SweepWorkerDependencies>;

  constructor(parts: SweepWorkerDependencies) {
    this.#dependencies = { random: Math.random, ...parts };
  }

  /** Throws a `TypeError` on what is no message of that queue, and whatever storage throws; the queue then brings it again. */
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
        const { state } = await sweeper.run({ trigger: 'manual' });
        if (state !== 'busy') return;
        // The one under way may be past what this one is to find.
        log.info('A sweep was asked for while one is under way: it waits its turn.');
        await queue.put(content, startDelay);
      }
    }
  }

  /** Takes note of a message that the queue itself gave up: the work in it is left to the next sweep. */
  async deadLetter(message: unknown): Promise<void> {
    const { store, log } = this.#dependencies;
    const content = readSweepMessage(message);
    if (content.type !== 'part') return;
    const { sweepId, part, devices } = content;
    log.error(
      `Part ${part} of sweep ${sweepId} failed every time: its ${devices.length} devices are left to the next.`,
    );
    const nothing = { examined: 0, found: 0, changed: 0, hubCalls: 0 };
    await store.addPart(sweepId, part, { ...nothing, deferred: devices.length });
  }

  async #work(part: WorkItem): Promise<void> {
    const { hub, store, queue, reconcilerFor, log, random } = this.#dependencies;
    const wait = hub.lane('sweep').waitFor(operationOf(part));
    // Put back before anything is written down: waiting its turn is no failure.
    if (wait > longestWait) return queue.put(part, (wait / 1000) * (1 + random() / 4));

    let hubCalls = 0;
    const reconciler = reconcilerFor(hub.lane('sweep', () => hubCalls++));
    const { policies } = reconciler;
    const since = { version: 0, at: part.at, exact: false };
    const workOn = part.finding === 'missing' ? workForMissingModule : workForModule;
    const works = part.devices
      .map((deviceId) => workOn(policies, deviceId, part.moduleId, since))
      .filter(({ modules }) => modules.size > 0);
    const results = await reconciler.reconcile(works, 'sweep');

    const deferred = results.filter((result) => result.deferred !== undefined);
    const name = part.attempt === 0 ? part.part : `${part.part}.${part.attempt}`;
    await store.addPart(part.sweepId, name, {
      examined: part.attempt === 0 ? works.length : 0,
      found: part.attempt === 0 ? results.reduce((sum, { found }) => sum + found, 0) : 0,
      changed: results.reduce((sum, { changed }) => sum + changed, 0),
      hubCalls,
      deferred: part.attempt === 0 ? deferred.length : 0,
    });
    if (deferred.length > 0)
      await this.#retry(
        part,
        deferred.map(({ deviceId }) => deviceId),
        deferred[0]?.deferred,
      );
    log.info(`Sweep ${part.sweepId}, part ${name}: ${works.length} devices, ${deferred.length} deferred.`);
  }

  async #retry(part: WorkItem, devices: readonly string[], reason = ''): Promise<void> {
    const { queue, log, retry, random } = this.#dependencies;
    const wait = this.#dependencies.hub.lane('sweep').waitFor(operationOf(part)) / 1000;
    // The hub has no room at present: that is nobody's failure, and no reason to give up.
    if (wait > retry.firstDelay) return queue.put({ ...part, devices }, wait * (1 + random() / 4));
    const attempt = part.attempt + 1;
    if (attempt >= retry.attempts) {
      log.warn(`${devices.length} devices are left to the next sweep after ${attempt} tries: ${reason}`);
      return;
    }
    const delay = Math.min(longestDelay, retry.firstDelay * 2 ** part.attempt) * (0.75 + random() / 2);
    await queue.put({ ...part, devices, attempt }, delay);
  }
}

/** What a part asks of the hub for each of its devices, or for all at once. */
function operationOf({ finding }: WorkItem): OperationClass {
  return finding === 'missing' ? 'bulk' : 'twinRead';
}
