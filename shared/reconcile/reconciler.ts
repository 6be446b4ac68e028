import pMap from 'p-map';
import { systemClock } from '../clock.ts';
import type { DriftRow, Source } from '../drift/index.ts';
import { noGuard } from '../guards/index.ts';
import type { Answer, NewModule } from '../hub/index.ts';
import type { PolicySet } from '../policy/index.ts';
import { type DeviceCounts, DevicePass, type PassStep } from './device-pass.ts';
import type { DeviceWork } from './device-work.ts';
import type { ReconcilerDependencies } from './reconciler-dependencies.ts';

/** What came of one device. `deferred` means: not done, and worth another try later; its rows say so too. */
export interface DeviceResult extends DeviceCounts {
  readonly deviceId: string;
  readonly deferred?: string;
}

/**
 * How many devices are worked on at once in one invocation: enough to hide the latency of hub and tables, and no more. A sweep has many
 * invocations at the same time and no hurry; the events that come meanwhile have.
 */
const concurrencyOf: Readonly<Record<Source, number>> = { event: 16, manual: 16, sweep: 4 };

/**
 * Brings devices in line with the policies. Level-triggered: it is told where to look, looks, and acts on what it sees. Whatever is
 * asked of it may be asked again, after a crash as well: the outcome and the history are the same.
 */
export class Reconciler {
  readonly #dependencies: Required<ReconcilerDependencies>;

  constructor(parts: ReconcilerDependencies) {
    this.#dependencies = { guard: noGuard, clock: systemClock, ...parts };
  }

  get policies(): PolicySet {
    return this.#dependencies.policies;
  }

  /**
   * Carries out the work on several devices. Modules that are missing on any of them are created together, as few bulk calls as can
   * be. Answers in the order of `works`; an error with one device, such as storage that does not answer, defers that device only.
   */
  async reconcile(works: readonly DeviceWork[], source: Source): Promise<readonly DeviceResult[]> {
    const parts = this.#dependencies;
    const concurrency = concurrencyOf[source];
    const begin = (work: DeviceWork) => this.#step(work.deviceId, () => new DevicePass(parts, work, source).begin());
    let steps = await pMap(works, begin, { concurrency });

    for (;;) {
      const wanted = steps.flatMap((step) => ('create' in step ? step.create : []));
      if (wanted.length === 0) break;
      const answers = await this.#create(wanted);
      steps = await pMap(
        steps,
        async (step) =>
          'create' in step
            ? this.#step(step.deviceId, () => step.resume((module) => answers.get(module) ?? lost))
            : step,
        { concurrency },
      );
    }
    return steps.map(({ deviceId, ...step }) => ({
      deviceId,
      ...('done' in step ? step.done : nothing),
      ...('deferred' in step ? { deferred: step.deferred } : {}),
    }));
  }

  /** Marks what is still to be done about a device as given up. Returns how many rows that were. */
  async giveUp(deviceId: string, reason: string): Promise<number> {
    const { journal, clock } = this.#dependencies;
    for (let attempt = 0; attempt < 3; attempt++) {
      const known = await journal.read(deviceId);
      const rows = known.open
        .filter((row) => row.outcome === 'pending' || row.outcome === 'deferred')
        .map((row): DriftRow => ({ ...row, outcome: 'failed', outcomeAt: clock.now().toISOString(), error: reason }));
      if (rows.length === 0 || (await journal.write(deviceId, rows, known)) === 'written') return rows.length;
    }
    return 0;
  }

  async #create(modules: readonly NewModule[]): Promise<ReadonlyMap<NewModule, Answer<void>>> {
    try {
      const answers = await this.#dependencies.hub.createModules(modules);
      return new Map(modules.map((module, index) => [module, answers[index] ?? lost]));
    } catch (error) {
      this.#dependencies.log.error(`Creating ${modules.length} modules failed: ${messageOf(error)}`);
      return new Map();
    }
  }

  async #step(deviceId: string, run: () => Promise<PassStep>): Promise<PassStep> {
    try {
      return await run();
    } catch (error) {
      this.#dependencies.log.error(`Device ${deviceId} is put off: ${messageOf(error)}`);
      return { deviceId, deferred: messageOf(error), done: nothing };
    }
  }
}

const nothing: DeviceCounts = { found: 0, changed: 0 };
const lost: Answer<void> = { ok: false, problem: { type: 'transient', message: 'the bulk call was not made' } };

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
