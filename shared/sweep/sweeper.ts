import type { RunEnd } from './interruption.ts';
import type { SweepTrigger } from './store/index.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { SweepRun } from './sweep-run.ts';

export interface SweeperDependencies extends SweepDependencies {
  /** How long one run may begin new queries, in minutes; what is left is gone on with in another. */
  readonly minutes: number;
}

/** What came of asking for a sweep. */
export type SweepEnd = { readonly state: 'busy' } | ({ readonly id: string } & RunEnd);

/**
 * Sweeps the hub for departures that no event told of, one sweep at a time over all instances. One that comes to its deadline, or whose
 * process dies, is gone on with from its place by whoever asks next.
 */
export class Sweeper {
  readonly #dependencies: SweeperDependencies;

  constructor(parts: SweeperDependencies) {
    this.#dependencies = parts;
  }

  /** Begins a sweep, or goes on with the one that is under way; with `only`, goes on with that one or does nothing. */
  async run(wish: { readonly trigger: SweepTrigger; readonly only?: string }): Promise<SweepEnd> {
    const { store, queue, clock, log, minutes } = this.#dependencies;
    if (wish.trigger === 'timer' && wish.only === undefined && (await this.#isWorkLeft())) return { state: 'busy' };
    const claim = await store.claim(wish);
    if (claim === undefined) return { state: 'busy' };
    const run = new SweepRun(this.#dependencies, claim, clock.now().getTime() + minutes * 60_000);
    const end = await run.run();
    const { parts, hubCalls } = run.row;
    switch (end.state) {
      case 'done':
        log.info(`Sweep ${claim.id} is done: ${hubCalls} hub calls, ${parts} parts of work handed out.`);
        break;
      case 'paused':
        log.info(`Sweep ${claim.id} pauses (${end.why}): ${hubCalls} hub calls, ${parts} parts so far.`);
        await queue.put({ type: 'continue', sweepId: claim.id }, end.delay);
        break;
      case 'lost':
        log.warn(`Sweep ${claim.id} is gone on with by another instance.`);
        break;
      case 'abandoned':
        log.info(`Sweep ${claim.id} was begun under other policies: a new one takes its place.`);
        return this.run({ trigger: wish.trigger });
    }
    return { id: claim.id, ...end };
  }

  /** Whether the last sweep's work is still being done: what the next would find, and more, is in the queue already. */
  async #isWorkLeft(): Promise<boolean> {
    const { store, clock, log } = this.#dependencies;
    const [last] = await store.list(1);
    if (last === undefined || last.state === 'running' || last.partsDone >= last.parts) return false;
    const lastDone = Math.max(
      Date.parse(last.endedAt ?? last.startedAt),
      Date.parse(last.lastPartAt ?? last.startedAt),
    );
    if (clock.now().getTime() - lastDone > patience) return false;
    log.info(`No new sweep yet: of the last one's ${last.parts} parts of work, ${last.partsDone} are done.`);
    return true;
  }
}

/** When no part has been done for so long, in milliseconds, the rest is taken for lost, and a new sweep finds it again. */
const patience = 30 * 60_000;
