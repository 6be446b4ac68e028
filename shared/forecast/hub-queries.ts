import type { Clock } from '../clock.ts';
import type { Answer, Configuration, Hub, Problem, QueryPage } from '../hub/index.ts';
import { QueryRefused } from '../sweep/index.ts';
import type { JsonObject } from '../twin/index.ts';

/** Who needs a query: a sweep would send it too, or only the forecast does. */
export type NeededBy = 'sweep' | 'forecastOnly';

/** Progress of a long walk. */
export interface ForecastProgress {
  /** The subject of the walk in a few words, such as `devices of my-policy`. */
  readonly what: string;
  /** Results read so far. */
  readonly done: number;
  /** Expected number of results, where it is known. */
  readonly total?: number;
}

/** Attempts per call. A call that fails this often ends the forecast. */
const attempts = 5;
/** Milliseconds between two attempts, unless the hub says how long to wait. */
const pause = 15_000;

/**
 * Queries the hub on the sweep's lane, retries failed calls, and counts all calls. Throws a one-line error where the hub does not answer.
 */
export class HubQueries {
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #onProgress: (progress: ForecastProgress) => void;
  /** HTTP calls made so far, retries included. */
  calls = 0;
  /** Pages read so far that a sweep would read too. */
  sweepQueries = 0;
  readonly #counts = new Map<string, number | undefined>();

  constructor(hub: Hub, clock: Clock, onProgress: (progress: ForecastProgress) => void) {
    this.#clock = clock;
    this.#onProgress = onProgress;
    this.#hub = hub.lane('sweep', () => {
      this.calls++;
    });
  }

  /** The hub's automatic configurations. `undefined` where the hub refuses to list them. */
  async configurations(): Promise<readonly Configuration[] | undefined> {
    const answer = await this.#withRetries(() => this.#hub.listConfigurations());
    if (answer.ok) return answer.value;
    if (answer.problem.type === 'refused') return undefined;
    throw this.#noAnswer(answer.problem);
  }

  /** The answer to a `COUNT() AS n` query. `undefined` where the answer is no number. The same query is sent once, as by a sweep. */
  async count(query: string): Promise<number | undefined> {
    if (!this.#counts.has(query)) {
      const { items } = await this.#page(query, undefined, 'sweep');
      const count = items[0]?.n;
      this.#counts.set(query, typeof count === 'number' ? count : undefined);
    }
    return this.#counts.get(query);
  }

  /**
   * Reads the pages of a query. Continuation tokens expire: the query then starts again, and returns results a second time.
   *
   * @throws {QueryRefused} when the hub refuses the query.
   */
  async *pages(
    query: string,
    {
      neededBy,
      what,
      total,
    }: { readonly neededBy: NeededBy; readonly what: string; readonly total?: number | undefined },
  ): AsyncGenerator<readonly JsonObject[]> {
    let continuation: string | undefined;
    let done = 0;
    do {
      let page: QueryPage;
      try {
        page = await this.#page(query, continuation, neededBy);
      } catch (error) {
        if (!(error instanceof QueryRefused) || continuation === undefined) throw error;
        done = 0;
        page = await this.#page(query, undefined, neededBy);
      }
      yield page.items;
      continuation = page.continuation;
      done += page.items.length;
      this.#onProgress({ what, done, ...(total === undefined ? {} : { total: Math.max(total, done) }) });
    } while (continuation !== undefined);
  }

  async #page(query: string, continuation: string | undefined, neededBy: NeededBy): Promise<QueryPage> {
    if (neededBy === 'sweep') this.sweepQueries++;
    const answer = await this.#withRetries(() => this.#hub.queryPage(query, continuation));
    if (answer.ok) return answer.value;
    // A malformed query can be replaced by another one. A missing permission cannot.
    if (answer.problem.type === 'refused' && answer.problem.status === 400) {
      throw new QueryRefused(`The hub refused the query: ${answer.problem.message}`);
    }
    throw this.#noAnswer(answer.problem);
  }

  #noAnswer({ message }: Problem): Error {
    return new Error(`The hub ${this.#hub.name} cannot be queried: ${message}`);
  }

  /** Retries a call, so that one minute without answers does not end a walk of hours. */
  async #withRetries<T>(call: () => Promise<Answer<T>>): Promise<Answer<T>> {
    for (let attempt = 1; ; attempt++) {
      const before = this.calls;
      const answer = await call();
      if (answer.ok || attempt === attempts) return answer;
      const { problem } = answer;
      // Where the first call of all fails, the address is probably wrong: do not retry.
      const mayPass = problem.type === 'throttled' || (problem.type === 'transient' && before > 0);
      if (!mayPass) return answer;
      await this.#clock.sleep((problem.type === 'throttled' ? problem.retryAfter : undefined) ?? pause);
    }
  }
}
