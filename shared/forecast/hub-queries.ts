import type { Clock } from '../clock.ts';
import { type Answer, type Configuration, type Hub, messagesIn, type Problem, type QueryPage } from '../hub/index.ts';
import { isRefusal, QueryRefused } from '../sweep/index.ts';
import type { JsonObject } from '../twin/index.ts';

/** The reason for a query. `sweep`: a sweep would send the query too. `forecastOnly`: only the forecast sends the query. */
export type NeededBy = 'sweep' | 'forecastOnly';

/** Progress of a query that may have many pages of results. */
export interface ForecastProgress {
  /** What the query reads, in a few words, such as `devices of my-policy`. */
  readonly what: string;
  /** Number of results read so far. */
  readonly done: number;
  /** Expected number of results. Absent where the number is unknown. */
  readonly total?: number;
}

/** Number of attempts per hub call. If all attempts of one call fail, the forecast fails. */
const attempts = 5;
/** Milliseconds between two attempts, where the hub does not say how long to wait. */
const pause = 15_000;

/**
 * Sends queries to the hub with the sweep's priority, retries failed calls, and counts all calls. Throws an Error with a one-line message
 * where the hub does not answer.
 */
export class HubQueries {
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #onProgress: (progress: ForecastProgress) => void;
  /** Number of HTTP calls to the hub so far, retries included. */
  calls = 0;
  /** Number of pages of query results read so far that a sweep would read too. */
  sweepQueries = 0;
  /** Number of messages of the hub's daily quota that these pages took. */
  sweepMessages = 0;
  readonly #messageBytes: number;
  readonly #counts = new Map<string, number | undefined>();

  /** `messageBytes`: the size of one message of the hub's daily quota. */
  constructor(hub: Hub, clock: Clock, messageBytes: number, onProgress: (progress: ForecastProgress) => void) {
    this.#messageBytes = messageBytes;
    this.#clock = clock;
    this.#onProgress = onProgress;
    this.#hub = hub.lane('sweep', () => {
      this.calls++;
    });
  }

  /** Reads the hub's automatic configurations. Returns `undefined` where the hub refuses to list them. */
  async configurations(): Promise<readonly Configuration[] | undefined> {
    const answer = await this.#withRetries(() => this.#hub.listConfigurations());
    if (answer.ok) return answer.value;
    if (answer.problem.type === 'refused') return undefined;
    throw this.#noAnswer(answer.problem);
  }

  /**
   * Returns the number that a `COUNT() AS n` query returns. Returns `undefined` where the hub refuses the query, or where the result is not
   * a number. Sends each query only once, as a sweep does.
   */
  async count(query: string): Promise<number | undefined> {
    if (!this.#counts.has(query)) this.#counts.set(query, await this.#askForCount(query));
    return this.#counts.get(query);
  }

  /**
   * Reads all pages of a query's results. If the hub refuses an expired continuation token, the query starts again at its first page. Some
   * results are then returned twice.
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

  async #askForCount(query: string): Promise<number | undefined> {
    try {
      const { items } = await this.#page(query, undefined, 'sweep');
      const count = items[0]?.n;
      return typeof count === 'number' ? count : undefined;
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error;
      return undefined;
    }
  }

  async #page(query: string, continuation: string | undefined, neededBy: NeededBy): Promise<QueryPage> {
    if (neededBy === 'sweep') this.sweepQueries++;
    const answer = await this.#withRetries(() => this.#hub.queryPage(query, continuation));
    if (answer.ok) {
      const bytes = Buffer.byteLength(JSON.stringify(answer.value.items));
      if (neededBy === 'sweep') this.sweepMessages += messagesIn(bytes, this.#messageBytes);
      return answer.value;
    }
    if (isRefusal(answer.problem)) {
      throw new QueryRefused(`The hub ${this.#hub.name} refused the query: ${answer.problem.message}`);
    }
    throw this.#noAnswer(answer.problem);
  }

  #noAnswer({ message }: Problem): Error {
    return new Error(`The hub ${this.#hub.name} cannot be queried: ${message}`);
  }

  /**
   * Makes a hub call, and retries it when it fails. Reading a large fleet takes hours, and must not fail because the hub is down for a
   * minute.
   */
  async #withRetries<T>(call: () => Promise<Answer<T>>): Promise<Answer<T>> {
    for (let attempt = 1; ; attempt++) {
      const before = this.calls;
      const answer = await call();
      if (answer.ok || attempt === attempts) return answer;
      const { problem } = answer;
      // A quota begins again at midnight. Nobody waits for that at a command line.
      if (problem.type === 'throttled' && problem.quota !== undefined) return answer;
      // If the first call of the forecast fails, the hub's address is probably wrong. Such a call is not retried.
      const mayPass = problem.type === 'throttled' || (problem.type === 'transient' && before > 0);
      if (!mayPass) return answer;
      await this.#clock.sleep((problem.type === 'throttled' ? problem.retryAfter : undefined) ?? pause);
    }
  }
}
