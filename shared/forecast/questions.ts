import type { Clock } from '../clock.ts';
import type { Answer, Configuration, Hub, Problem, QueryPage } from '../hub/index.ts';
import { QueryRefused } from '../sweep/index.ts';
import type { JsonObject } from '../twin/index.ts';

/** Whether a sweep would ask the same, or has another way to know. */
export type Asker = 'sweepToo' | 'forecastOnly';

/** How far a long walk has come. */
export interface ForecastProgress {
  /** What is being looked at, in a few words. */
  readonly what: string;
  readonly done: number;
  /** Of so many, where that is known. */
  readonly total?: number;
}

/** A page of a long walk is asked for this often before all that was seen is given up, so many milliseconds apart. */
const attempts = 5;
const pause = 15_000;

/** Asks the hub on the sweep's lane, patiently, and counts what is asked. Throws one line where the hub has no answer. */
export class Questions {
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #onProgress: (progress: ForecastProgress) => void;
  /** HTTP calls made so far, retries included. */
  calls = 0;
  /** Pages that a sweep would ask for, too. */
  sweepQueries = 0;
  readonly #counts = new Map<string, number | undefined>();

  constructor(hub: Hub, clock: Clock, onProgress: (progress: ForecastProgress) => void) {
    this.#clock = clock;
    this.#onProgress = onProgress;
    this.#hub = hub.lane('sweep', () => {
      this.calls++;
    });
  }

  /** `undefined` where they may not be read, or the hub has none. */
  async configurations(): Promise<readonly Configuration[] | undefined> {
    const answer = await this.#patiently(() => this.#hub.listConfigurations());
    if (answer.ok) return answer.value;
    if (answer.problem.type === 'refused') return undefined;
    throw this.#noAnswer(answer.problem);
  }

  /** What a `COUNT() AS n` says; `undefined` where the answer cannot be understood. The same question is asked once, as by a sweep. */
  async count(query: string): Promise<number | undefined> {
    if (!this.#counts.has(query)) {
      const { items } = await this.#page(query, undefined, 'sweepToo');
      const count = items[0]?.n;
      this.#counts.set(query, typeof count === 'number' ? count : undefined);
    }
    return this.#counts.get(query);
  }

  /**
   * The pages of a query. Continuations do not live for ever: where one has expired, it begins anew, and what was seen already comes again.
   *
   * @throws {QueryRefused} when the hub does not take the query.
   */
  async *pages(
    query: string,
    { asker, what, total }: { readonly asker: Asker; readonly what: string; readonly total?: number | undefined },
  ): AsyncGenerator<readonly JsonObject[]> {
    let continuation: string | undefined;
    let done = 0;
    do {
      let page: QueryPage;
      try {
        page = await this.#page(query, continuation, asker);
      } catch (error) {
        if (!(error instanceof QueryRefused) || continuation === undefined) throw error;
        done = 0;
        page = await this.#page(query, undefined, asker);
      }
      yield page.items;
      continuation = page.continuation;
      done += page.items.length;
      this.#onProgress({ what, done, ...(total === undefined ? {} : { total: Math.max(total, done) }) });
    } while (continuation !== undefined);
  }

  async #page(query: string, continuation: string | undefined, asker: Asker): Promise<QueryPage> {
    if (asker === 'sweepToo') this.sweepQueries++;
    const answer = await this.#patiently(() => this.#hub.queryPage(query, continuation));
    if (answer.ok) return answer.value;
    // Asked wrongly, or not allowed to ask: only the first may be asked differently.
    if (answer.problem.type === 'refused' && answer.problem.status === 400) {
      throw new QueryRefused(`the hub does not take it: ${answer.problem.message}`);
    }
    throw this.#noAnswer(answer.problem);
  }

  #noAnswer({ message }: Problem): Error {
    return new Error(`The hub ${this.#hub.name} cannot be asked: ${message}`);
  }

  /** Hours of walking must not be lost to a minute in which the hub does not answer. */
  async #patiently<T>(ask: () => Promise<Answer<T>>): Promise<Answer<T>> {
    for (let attempt = 1; ; attempt++) {
      const before = this.calls;
      const answer = await ask();
      if (answer.ok || attempt === attempts) return answer;
      const { problem } = answer;
      // What never answered at all is more likely to be the wrong address.
      const mayPass = problem.type === 'throttled' || (problem.type === 'transient' && before > 0);
      if (!mayPass) return answer;
      await this.#clock.sleep((problem.type === 'throttled' ? problem.retryAfter : undefined) ?? pause);
    }
  }
}
