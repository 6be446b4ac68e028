import type { Policy } from '../policy/index.ts';
import { checkOpen } from './check-open.ts';
import { findMissing } from './find-missing.ts';
import { askForSuspects, walk } from './find-suspects.ts';
import { Interrupted, QueryRefused, type RunEnd } from './interruption.ts';
import { type Place, Progress } from './progress.ts';
import { readConfigurations } from './read-configurations.ts';
import { fingerprintOf, type SweepStep, sweepSteps } from './steps.ts';
import type { SweepClaim, SweepRow } from './store/index.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';

/**
 * One run of a sweep, from the place where the last left it to its end or its deadline. It asks the hub who breaks the policies and who
 * lacks a module, and hands out what it finds; it changes nothing by itself.
 */
export class SweepRun {
  readonly #dependencies: SweepDependencies;
  readonly #steps: readonly SweepStep[];
  readonly #progress: Progress;

  /** `deadline`: milliseconds since 1970, after which no query is begun. */
  constructor(parts: SweepDependencies, claim: SweepClaim, deadline: number) {
    this.#dependencies = parts;
    this.#steps = sweepSteps(parts.policies);
    const start: Place = { steps: fingerprintOf(this.#steps), step: 0, pending: [] };
    this.#progress = new Progress(parts, claim, (claim.place as Place | undefined) ?? start, deadline);
  }

  async run(): Promise<RunEnd> {
    const progress = this.#progress;
    if (progress.place.steps !== fingerprintOf(this.#steps)) {
      this.#end('abandoned');
      await progress.leave();
      return { state: 'abandoned' };
    }
    try {
      for (let step = this.#step(); step !== undefined; step = this.#step()) {
        await this.#take(step);
        if (isAboutPolicy(step)) await progress.handOut(findingOf(step), 1);
        progress.place = { steps: progress.place.steps, step: progress.place.step + 1, pending: [] };
        await progress.keep();
      }
      this.#end('done');
      return (await progress.leave()) === 'lost' ? { state: 'lost' } : { state: 'done' };
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      if (error.end.state === 'paused' && (await progress.leave()) === 'lost') return { state: 'lost' };
      return error.end;
    }
  }

  get row(): SweepRow {
    return this.#progress.row;
  }

  #step(): SweepStep | undefined {
    return this.#steps[this.#progress.place.step];
  }

  #end(state: 'done' | 'abandoned'): void {
    this.#progress.row = { ...this.row, state, endedAt: this.#dependencies.clock.now().toISOString() };
  }

  /** A step that the hub refuses must not keep the others from being taken, in this sweep and in every later one. */
  async #take(step: SweepStep): Promise<void> {
    try {
      await this.#begin(step);
    } catch (error) {
      if (!(error instanceof QueryRefused) || !isAboutPolicy(step)) throw error;
      const why = `The hub refuses what is asked about ${step.policy.name}, which is not swept: ${error.message}`;
      this.#dependencies.log.error(why);
      this.#progress.tell(why);
      this.#progress.saveFirst(undefined);
    }
  }

  async #begin(step: SweepStep): Promise<void> {
    switch (step.type) {
      case 'configurations':
        return readConfigurations(this.#dependencies, this.#progress);
      case 'suspects':
        return askForSuspects(this.#dependencies, this.#progress, step.policy, step.query);
      case 'walk':
        return walk(this.#dependencies, this.#progress, step.policy, step.why);
      case 'missing':
        return findMissing(this.#dependencies, this.#progress, step.policy);
      case 'open':
        return checkOpen(this.#dependencies, this.#progress);
    }
  }
}

type PolicyStep = Extract<SweepStep, { readonly policy: Policy }>;

function isAboutPolicy(step: SweepStep): step is PolicyStep {
  return 'policy' in step;
}

function findingOf({ type, policy }: PolicyStep) {
  return { moduleId: policy.module, finding: type === 'missing' ? ('missing' as const) : ('suspect' as const) };
}
