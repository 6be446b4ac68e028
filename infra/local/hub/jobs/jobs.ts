import * as z from 'zod/mini';
import type { Clock } from '../../../../shared/clock.ts';
import { checkOptions } from '../check-options.ts';
import { HubError, preview } from '../errors.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import type { Registry } from '../registry.ts';
import { runExport } from './export-job.ts';
import { runImport } from './import-job.ts';
import { Job } from './job.ts';

/**
 * How long jobs take, on the hub's clock. Both defaults are assumptions. Azure promises no speed. A comment in a sample of Microsoft's page about
 * jobs says "This normally takes 1 minute per 100 devices", which is much slower than the default here.
 */
export interface Pace {
  /** Seconds that each job takes before its first line. */
  readonly seconds: number;
  /** 0 stands for no limit. */
  readonly linesPerSecond: number;
}

const positive = 'must be a number, 0 or more';
const number = z.exactOptional(z.number(positive).check(z.gte(0, positive)));
const paceSchema = z.strictObject(
  { seconds: number, linesPerSecond: number },
  'must be { seconds?, linesPerSecond? } and nothing else',
);

/** Maximum number of lines between two sleeps. */
const longestStep = 500;

/** Maximum milliseconds of one sleep, on the hub's clock. */
const longestSleep = 200;

/** The jobs of a hub since its start. */
export class Jobs {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #jobs = new Map<string, Job>();
  readonly #running = new Set<Promise<void>>();
  #pace: Pace = { seconds: 2, linesPerSecond: 5000 };

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  /**
   * Starts a job.
   * @throws {HubError} 403 while another job is running, and 400 for a malformed request.
   */
  create(body: JsonValue): JsonObject {
    const job = new Job(body);
    const other = [...this.#jobs.values()].find(({ isOver }) => !isOver);
    if (other !== undefined)
      throw new HubError('JobQuotaExceeded', `The job ${other.id} is running: the limit is 1 job`);
    this.#jobs.set(job.id, job);
    const run: Promise<void> = this.#run(job).finally(() => this.#running.delete(run));
    this.#running.add(run);
    return job.render();
  }

  list(): readonly JsonObject[] {
    return [...this.#jobs.values()].map((job) => job.render());
  }

  get(id: string): JsonObject {
    return this.#find(id).render();
  }

  cancel(id: string): void {
    this.#find(id).end('cancelled');
  }

  /** Sets how long later jobs take. Returns the present values. */
  setPace(options: unknown): Pace {
    this.#pace = { ...this.#pace, ...checkOptions('jobs', paceSchema, options) };
    return this.#pace;
  }

  /** Cancels the running job. */
  async close(): Promise<void> {
    for (const job of this.#jobs.values()) job.end('cancelled');
    await Promise.all(this.#running);
  }

  async #run(job: Job): Promise<void> {
    try {
      await this.#sleep(job, this.#pace.seconds);
      if (job.isOver) return;
      job.status = 'running';
      const run = job.request.type === 'import' ? runImport : runExport;
      await run(job, this.#registry, (lines) => this.#pass(job, lines));
      job.end('completed');
    } catch (error) {
      job.end('failed', error instanceof Error ? error.message : String(error));
    }
  }

  /** Waits as long as the next lines take. Returns false when the job was cancelled. */
  async #pass(job: Job, lines: number): Promise<boolean> {
    const { linesPerSecond } = this.#pace;
    const step = Math.min(longestStep, Math.max(1, Math.floor(linesPerSecond / 10)));
    if (linesPerSecond > 0 && lines % step === 0) await this.#sleep(job, step / linesPerSecond);
    return !job.isOver;
  }

  /** Sleeps in pieces, so that a cancelled job ends soon. */
  async #sleep(job: Job, seconds: number): Promise<void> {
    for (let left = seconds * 1000; left > 0 && !job.isOver; left -= longestSleep)
      await this.#clock.sleep(Math.min(left, longestSleep));
  }

  #find(id: string): Job {
    const job = this.#jobs.get(id);
    if (job === undefined) throw new HubError('JobNotFound', `There is no job ${preview(id)}`);
    return job;
  }
}
