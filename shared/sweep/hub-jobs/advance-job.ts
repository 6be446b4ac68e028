import type { Clock } from '../../clock.ts';
import type { Answer, Hub, Job, Problem } from '../../hub/index.ts';
import { describeThrown } from '../../policy/index.ts';
import type { BlobFolder } from '../../storage/index.ts';
import { jobFolderPrefix } from './job-folder-prefix.ts';

/** A job that is to run. Its state is stored, so that a later invocation goes on with it. */
export interface StoredJob {
  /** When the job was started, ISO 8601. While it is not started: when the first attempt was made. */
  readonly since: string;
  /** The id of the job. Absent while the job is not started. */
  readonly jobId?: string;
}

/** What is done with a job, and for how long it may wait. */
export interface JobSteps {
  /** Starts the job and returns its id. `containerUrl`: the address of the folder, with a signature for the hub. */
  start(containerUrl: string): Promise<Answer<string>>;
  /** Stores the started job. */
  keep(job: Required<StoredJob>): Promise<void>;
  /** Whether the job waits until another job of this app has ended. Otherwise it waits for {@link longestStart}, as for any other job. */
  readonly waitsForOurs?: boolean;
}

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

interface Dependencies {
  readonly hub: Pick<Hub, 'jobs'>;
  readonly clock: Clock;
}

/** Starts a job, or looks whether it has ended. Never waits for the job. */
export async function advanceJob(
  { hub, clock }: Dependencies,
  { since, jobId }: StoredJob,
  folder: BlobFolder,
  steps: JobSteps,
): Promise<JobProgress> {
  if (jobId === undefined) return startJob({ hub, clock }, since, folder, steps);
  const answer = await hub.jobs.read(jobId);
  if (answer.ok) {
    const { state, failure = 'the hub gave no reason' } = answer.value;
    if (state === 'completed') return { type: 'completed' };
    if (state === 'failed' || state === 'cancelled') return { type: 'refused', reason: `the job ${state}: ${failure}` };
  } else if (isLasting(answer.problem)) return { type: 'refused', reason: answer.problem.message };
  if (ageOf(since, clock) <= longestJob) return { type: 'wait', delay: answer.ok ? pollDelay : busyDelay };
  await hub.jobs.cancel(jobId);
  const silence = answer.ok ? '' : `: ${answer.problem.message}`;
  return { type: 'refused', reason: `the job did not end within ${longestJob / 3600_000} hours${silence}` };
}

async function startJob(
  { hub, clock }: Dependencies,
  firstAttempt: string,
  folder: BlobFolder,
  { start, keep, waitsForOurs = false }: JobSteps,
): Promise<JobProgress> {
  const answer = await hub.jobs.list();
  const jobs = answer.ok ? answer.value : [];
  // An earlier invocation may have been killed after it had started the job.
  const started = jobs.find(({ container }) => container === folder.name);
  let id = started?.id;
  let since = firstAttempt;
  if (id === undefined) {
    since = clock.now().toISOString();
    let url: string;
    try {
      url = await folder.sharedUrl(hoursShared);
    } catch (error) {
      return { type: 'refused', reason: `the hub gets no access to the storage account: ${describeThrown(error)}` };
    }
    const begun = await start(url);
    if (!begun.ok) {
      const { problem } = begun;
      const longest = waitsForOurs && jobs.some(isOurs) ? longestJob : longestStart;
      if (isLasting(problem) || ageOf(firstAttempt, clock) > longest)
        return { type: 'refused', reason: problem.message };
      return { type: 'wait', delay: busyDelay };
    }
    id = begun.value;
  }
  await keep({ since, jobId: id });
  return { type: 'wait', delay: pollDelay };
}

/** Milliseconds since a time. */
function ageOf(since: string, clock: Clock): number {
  return clock.now().getTime() - Date.parse(since);
}

/** Whether a job that has not ended uses a folder of this app. */
function isOurs({ state, container }: Job): boolean {
  return (state === 'waiting' || state === 'running') && container?.startsWith(jobFolderPrefix) === true;
}

/** Whether a later attempt would fail in the same way. A hub that runs another job refuses a second one with the code of a quota. */
function isLasting(problem: Problem): boolean {
  return problem.type === 'gone' || (problem.type === 'refused' && !/quota/i.test(problem.message));
}
