import type { Clock } from '../../clock.ts';
import type { Hub, Problem } from '../../hub/index.ts';
import type { BlobFolder } from '../../storage/index.ts';
import type { Backfill, SweepStore } from '../store/index.ts';

/** How far a job is. `wait`: look again after `delay` seconds. `refused`: the job cannot be done, so that another way is needed. */
export type JobProgress =
  | { readonly type: 'wait'; readonly delay: number }
  | { readonly type: 'completed' }
  | { readonly type: 'refused'; readonly reason: string };

/** Seconds between two looks at a running job. */
const pollDelay = 15;
/** Seconds until the next attempt to start a job, while the hub runs another job or does not answer. */
const busyDelay = 60;
/** Milliseconds after which a job that could not be started is given up. */
const longestStart = 3600_000;
/** Milliseconds after which a job that does not end is cancelled. */
const longestJob = 6 * 3600_000;
/** Hours for which the hub may use the folder. */
const hoursShared = 8;

/** Starts the job of a backfill's phase, and looks whether it has ended. */
export class JobRun {
  readonly #dependencies: {
    readonly hub: Hub;
    readonly store: Pick<SweepStore, 'putBackfill'>;
    readonly clock: Clock;
  };

  constructor(dependencies: {
    readonly hub: Hub;
    readonly store: Pick<SweepStore, 'putBackfill'>;
    readonly clock: Clock;
  }) {
    this.#dependencies = dependencies;
  }

  async advance(state: Backfill, folder: BlobFolder): Promise<JobProgress> {
    const { hub, clock } = this.#dependencies;
    const age = clock.now().getTime() - Date.parse(state.since);
    if (state.jobId === undefined) return this.#start(state, folder, age);
    const answer = await hub.jobs.read(state.jobId);
    if (!answer.ok) {
      return isLasting(answer.problem)
        ? { type: 'refused', reason: answer.problem.message }
        : { type: 'wait', delay: busyDelay };
    }
    const { state: jobState, failure = 'the hub gave no reason' } = answer.value;
    switch (jobState) {
      case 'completed':
        return { type: 'completed' };
      case 'failed':
      case 'cancelled':
        return { type: 'refused', reason: `the job ${jobState}: ${failure}` };
    }
    if (age <= longestJob) return { type: 'wait', delay: pollDelay };
    await hub.jobs.cancel(state.jobId);
    return { type: 'refused', reason: `the job did not end within ${longestJob / 3600_000} hours` };
  }

  async #start(state: Backfill, folder: BlobFolder, age: number): Promise<JobProgress> {
    const { hub, store } = this.#dependencies;
    // An earlier turn may have been killed after it had started the job.
    const jobs = await hub.jobs.list();
    const started = jobs.ok ? jobs.value.find(({ container }) => container === folder.name) : undefined;
    const answer = started ?? (await hub.jobs.startImport(await folder.sharedUrl(hoursShared)));
    if (!('ok' in answer) || answer.ok) {
      await store.putBackfill({ ...state, jobId: 'ok' in answer ? answer.value : answer.id });
      return { type: 'wait', delay: pollDelay };
    }
    const { problem } = answer;
    if (isLasting(problem) || age > longestStart) return { type: 'refused', reason: problem.message };
    return { type: 'wait', delay: busyDelay };
  }
}

/** Whether a later attempt would fail in the same way. A hub that runs another job refuses a second one with the code of a quota. */
function isLasting(problem: Problem): boolean {
  return problem.type === 'gone' || (problem.type === 'refused' && !/quota/i.test(problem.message));
}
