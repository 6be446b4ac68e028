import type { Versions } from '../policy/index.ts';
import type { RunEnd } from './interruption.ts';
import { lostAfter, type SweepTrigger } from './store/index.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { SweepRun } from './sweep-run.ts';

export interface SweeperDependencies extends SweepDependencies {
  /** Minutes in which one run of a sweep may start queries. After that time, another run resumes the sweep. */
  readonly minutes: number;
  /** The versions that the row of a sweep names. Default: it names none. */
  readonly versions?: Versions;
}

/** The result of {@link Sweeper.run}. `busy`: no sweep ran, because another sweep is running or its work items are still queued. */
export type SweepEnd = { readonly state: 'busy' } | ({ readonly id: string } & RunEnd);

/**
 * Runs sweeps of the hub. Only one sweep runs at a time, across all instances of the app. If a sweep reached its deadline or its process
 * died, the next run resumes that sweep at its checkpoint.
 */
export class Sweeper {
  readonly #dependencies: SweeperDependencies;

  constructor(dependencies: SweeperDependencies) {
    this.#dependencies = dependencies;
  }

  /** Resumes the unfinished sweep, or starts a new sweep if there is none. With `only`, resumes the sweep with that id, or does nothing. */
  async run(request: { readonly trigger: SweepTrigger; readonly only?: string }): Promise<SweepEnd> {
    const { store, queue, clock, log, minutes, versions } = this.#dependencies;
    if (request.trigger === 'timer' && request.only === undefined && (await this.#isWorkLeft()))
      return { state: 'busy' };
    const claim = await store.claim({
      ...request,
      ...(versions === undefined
        ? {}
        : { versions: { policiesVersion: versions.policies(), appVersion: versions.app } }),
    });
    if (claim === undefined) return { state: 'busy' };
    const run = await SweepRun.of(this.#dependencies, claim, clock.now().getTime() + minutes * 60_000);
    const end = await run.run();
    const { parts, hubCalls } = run.row;
    switch (end.state) {
      case 'done':
        log.info(`Sweep ${claim.id} is done: ${hubCalls} hub calls, ${parts} work items queued.`);
        break;
      case 'paused':
        log.info(`Sweep ${claim.id} pauses (${end.reason}): ${hubCalls} hub calls, ${parts} work items so far.`);
        // A sweep by the timer can resume and pause again before the message of its first pause comes.
        if (end.isQueued !== true) await queue.put({ type: 'continue', sweepId: claim.id }, end.delay);
        break;
      case 'lost':
        log.warn(`Sweep ${claim.id} stops here: another instance has taken its lease and resumes it.`);
        break;
      case 'abandoned':
        log.info(`Sweep ${claim.id} started under other policies and is abandoned. A new sweep starts.`);
        return this.run({ trigger: request.trigger });
    }
    return { id: claim.id, ...end };
  }

  /**
   * Whether work items of the last sweep have not been handled yet. A new sweep would find the same drift again. Work items without progress
   * for {@link lostAfter} milliseconds count as lost.
   */
  async #isWorkLeft(): Promise<boolean> {
    const { store, clock, log } = this.#dependencies;
    const [last] = await store.list(1);
    if (last === undefined || last.state === 'running' || last.partsDone >= last.parts) return false;
    const lastDone = Math.max(
      Date.parse(last.endedAt ?? last.startedAt),
      Date.parse(last.lastPartAt ?? last.startedAt),
    );
    if (clock.now().getTime() - lastDone > lostAfter) return false;
    log.info(`No new sweep yet: ${last.partsDone} of ${last.parts} work items of sweep ${last.id} are done.`);
    return true;
  }
}
