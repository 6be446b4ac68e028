import type { Clock } from '../clock.ts';
import type { Hub, Problem, QueryPage } from '../hub/index.ts';
import type { Log } from '../log.ts';
import { Interrupted, interruptedBy, isRefusal, QueryRefused } from './interruption.ts';
import type { QueryFunctions } from './query-functions.ts';

/** One page of query results. `isRestarted`: the hub refused the continuation token, so this is the first page. */
interface ResultsPage extends QueryPage {
  readonly isRestarted?: boolean;
}

/** Reads one page of results. Without a continuation token, reads the first page. */
export type ReadPage = (continuation: string | undefined) => Promise<QueryPage>;

interface SweepQueriesDependencies {
  readonly hub: Pick<Hub, 'queryPage'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly functions: QueryFunctions;
  /** A time in milliseconds since 1970. No query starts after this time. */
  readonly deadline: number;
  /** Adds a sentence to the warnings of the sweep. */
  warn(sentence: string): void;
}

/** The queries of one run of a sweep. */
export class SweepQueries {
  readonly #dependencies: SweepQueriesDependencies;
  readonly #counts = new Map<string, number | undefined>();
  /** The last answer to each query, also when it is forgotten. */
  readonly #lastCounts = new Map<string, number | undefined>();

  constructor(dependencies: SweepQueriesDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Reads one page of query results. If the hub refuses the continuation token, reads the first page.
   *
   * @throws {Interrupted} after the deadline, or when the hub cannot answer at this time.
   * @throws {QueryRefused} when the hub refuses the query.
   */
  async page(query: string, continuation?: string): Promise<ResultsPage> {
    const { hub, functions, warn } = this.#dependencies;
    this.checkDeadline();
    const answer = await hub.queryPage(query, continuation);
    if (answer.ok) {
      await functions.taken(query);
      return answer.value;
    }
    if (!isRefusal(answer.problem)) {
      if (isQuota(answer.problem)) warn(`The sweep was ${answer.problem.message}.`);
      throw interruptedBy(answer.problem);
    }
    // The continuation token may have expired, so start at the first page again.
    if (continuation !== undefined) return { ...(await this.page(query)), isRestarted: true };
    await functions.refused(query, (probe) => hub.queryPage(probe));
    throw new QueryRefused(answer.problem.message);
  }

  /** @throws {Interrupted} after the deadline. */
  checkDeadline(): void {
    const { clock, deadline } = this.#dependencies;
    if (clock.now().getTime() >= deadline) {
      throw new Interrupted({ state: 'paused', reason: 'its deadline has passed', delay: 0 });
    }
  }

  /**
   * Returns the number that a `COUNT() AS n` query returns. Returns `undefined` where the hub refuses the query, or where the result is not
   * a number. Sends each query only once, until {@link forgetCounts} is called.
   */
  async count(query: string): Promise<number | undefined> {
    if (!this.#counts.has(query)) {
      const count = await this.#askForCount(query);
      this.#counts.set(query, count);
      this.#lastCounts.set(query, count);
    }
    return this.#counts.get(query);
  }

  /** Like {@link count}, for a number that may be as old as this run of the sweep. */
  async recentCount(query: string): Promise<number | undefined> {
    return this.#lastCounts.has(query) ? this.#lastCounts.get(query) : await this.count(query);
  }

  forgetCounts(): void {
    this.#counts.clear();
  }

  async #askForCount(query: string): Promise<number | undefined> {
    try {
      const { items } = await this.page(query);
      const count = items[0]?.n;
      return typeof count === 'number' ? count : undefined;
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error;
      this.#dependencies.log.warn(`The hub refused the query "${query}": ${error.message}`);
      return undefined;
    }
  }
}

/** Whether a daily quota of messages is used up. */
function isQuota(problem: Problem): boolean {
  return problem.type === 'throttled' && problem.quota !== undefined;
}
