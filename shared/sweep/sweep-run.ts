import type { Policy } from '../policy/index.ts';
import { checkOpen } from './check-open.ts';
import type { Checkpoint, Finding } from './checkpoint.ts';
import { compareModuleIds } from './compare-module-ids.ts';
import { countFleet } from './count-fleet.ts';
import { findMissing } from './find-missing.ts';
import { findSuspects } from './find-suspects.ts';
import { Interrupted, QueryRefused, type RunEnd } from './interruption.ts';
import { logWarnings } from './log-warnings.ts';
import { Progress } from './progress.ts';
import { QueryFunctions } from './query-functions.ts';
import { readConfigurations } from './read-configurations.ts';
import { fingerprintOf, type SweepStep, sweepSteps } from './steps.ts';
import { type SweepClaim, type SweepRow, withoutFailed } from './store/index.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { fullLook, walk } from './walk/index.ts';
import { limitDelay } from './work-queue.ts';

/**
 * One run of a sweep. A run starts at the checkpoint, and stops at the end of the sweep or at a deadline. A run queries the hub for twins
 * that break a policy and for devices that lack a module, and queues work items. A run changes no twin itself.
 */
export class SweepRun {
  readonly #dependencies: SweepDependencies;
  readonly #steps: readonly SweepStep[];
  readonly #progress: Progress;

  private constructor(dependencies: SweepDependencies, steps: readonly SweepStep[], progress: Progress) {
    this.#dependencies = dependencies;
    this.#steps = steps;
    this.#progress = progress;
  }

  /** Prepares a run. `deadline`: a time in milliseconds since 1970. No query starts after this time. */
  static async of(dependencies: SweepDependencies, claim: SweepClaim, deadline: number): Promise<SweepRun> {
    const functions = await QueryFunctions.read(dependencies);
    const saved = claim.checkpoint as Checkpoint | undefined;
    // A sweep keeps its dialect to its end, so that its steps stay the same.
    const dialect = saved === undefined ? functions.dialect : (saved.dialect ?? 'full');
    const steps = sweepSteps(dependencies.policies, dialect);
    const checkpoint = saved ?? { steps: fingerprintOf(steps), dialect, step: 0, pending: [] };
    return new SweepRun(dependencies, steps, new Progress(dependencies, claim, checkpoint, functions, deadline));
  }

  async run(): Promise<RunEnd> {
    const progress = this.#progress;
    if (progress.checkpoint.steps !== fingerprintOf(this.#steps)) {
      this.#setEnd('abandoned');
      await progress.saveAndRelease();
      return { state: 'abandoned' };
    }
    await progress.readQueue();
    try {
      for (let step = this.#currentStep(); step !== undefined; step = this.#currentStep()) {
        await this.#runStep(step);
        if (isAboutPolicy(step)) await progress.queueWork(findingOf(step), 1);
        if (progress.isBackfill) {
          await this.#dependencies.queue.put({
            type: 'backfill',
            sweepId: progress.sweepId,
            step: progress.checkpoint.step,
          });
        }
        const { steps, dialect, step: index } = progress.checkpoint;
        progress.checkpoint = { steps, ...(dialect ? { dialect } : {}), step: index + 1, pending: [] };
        await progress.save();
      }
      await logWarnings(this.#dependencies, progress);
      await progress.heldTwins.rememberRules();
      await progress.twinExport.finish(progress.row.resumed === 0);
      this.#setEnd('done');
      return (await progress.saveAndRelease()) === 'lost' ? { state: 'lost' } : { state: 'done' };
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      if (error.end.state === 'paused') {
        const now = this.#dependencies.clock.now().getTime();
        const resumesAt = new Date(now + limitDelay(error.end.delay) * 1000).toISOString();
        const isQueued = Date.parse(progress.checkpoint.resumesAt ?? '') > now;
        progress.checkpoint = { ...progress.checkpoint, ...(isQueued ? {} : { resumesAt }) };
        if ((await progress.saveAndRelease()) === 'lost') return { state: 'lost' };
        return { ...error.end, isQueued };
      }
      return error.end;
    }
  }

  get row(): SweepRow {
    return this.#progress.row;
  }

  #currentStep(): SweepStep | undefined {
    return this.#steps[this.#progress.checkpoint.step];
  }

  #setEnd(state: 'done' | 'abandoned'): void {
    const endedAt = this.#dependencies.clock.now().toISOString();
    const verified = state === 'done' ? withoutFailed(this.row.verified ?? {}) : {};
    this.#progress.row = { ...this.row, state, endedAt, verified };
  }

  /**
   * Runs one step. If the hub refuses the step's queries, skips the rest of the step, so that the steps of all other policies still run.
   */
  async #runStep(step: SweepStep): Promise<void> {
    try {
      await this.#startStep(step);
    } catch (error) {
      if (!(error instanceof QueryRefused) || !isAboutPolicy(step)) throw error;
      const reason = `The policy ${step.policy.name} is not swept, because the hub refused a query for it: ${error.message}`;
      this.#dependencies.log.error(reason);
      this.#progress.addWalked(reason);
      this.#progress.addLook(step.policy, step.type === 'missing' ? 'modules' : 'values', undefined);
      this.#progress.beforeSave(undefined);
    }
  }

  async #startStep(step: SweepStep): Promise<void> {
    switch (step.type) {
      case 'configurations':
        return readConfigurations(this.#dependencies, this.#progress);
      case 'modules':
        return compareModuleIds(this.#dependencies, this.#progress);
      case 'suspects':
        return findSuspects(this.#dependencies, this.#progress, step.policy, step.query);
      case 'walk':
        return walk(this.#dependencies, this.#progress, step.policy, step.reason);
      case 'look':
        return fullLook(this.#dependencies, this.#progress, step.policy);
      case 'missing':
        return findMissing(this.#dependencies, this.#progress, step.policy);
      case 'open':
        await countFleet(this.#dependencies, this.#progress);
        return checkOpen(this.#dependencies, this.#progress);
    }
  }
}

type PolicyStep = Extract<SweepStep, { readonly policy: Policy }>;

function isAboutPolicy(step: SweepStep): step is PolicyStep {
  return 'policy' in step;
}

function findingOf({ type, policy }: PolicyStep): Finding {
  return { moduleId: policy.module, finding: type === 'missing' ? 'missing' : 'suspect' };
}
