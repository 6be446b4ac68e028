import * as z from 'zod/mini';
import type { Clock } from '../clock.ts';
import type { Answer, Hub } from '../hub/index.ts';
import { functionsIn, parseQuery } from '../query/index.ts';
import { isRefusal } from './interruption.ts';
import type { SweepStore } from './store/index.ts';
import type { Dialect } from './where/index.ts';

/** Name of the memo with what the hub said. No policy has this name, because a policy's name has no space. */
const functionsMemo = 'query functions';
/** Milliseconds after which a sweep asks a hub again that refused the functions. */
const refusalValidity = 7 * 24 * 3600_000;

/**
 * A query that is valid only on a hub that takes all functions that sweeps use. Its result does not matter. The hub may refuse another
 * query for another reason, such as its length.
 */
const probeQuery =
  "SELECT COUNT() AS n FROM devices WHERE deviceId = '' AND (IS_STRING(tags.a) OR IS_NUMBER(tags.a) OR IS_BOOL(tags.a) OR IS_OBJECT(tags.a) " +
  "OR IS_ARRAY(tags.a) OR STARTSWITH(deviceId, 'a') OR ENDSWITH(deviceId, 'a') OR CONTAINS(deviceId, 'a'))";

/** What a hub has shown about the functions of queries that are not documented for twins. */
const shownSchema = z.object({
  hub: z.string(),
  state: z.enum(['taken', 'refused']),
  /** When the hub showed it, ISO 8601. */
  at: z.iso.datetime(),
});

type Shown = z.output<typeof shownSchema>;

interface QueryFunctionsDependencies {
  readonly hub: Pick<Hub, 'name'>;
  readonly store: Pick<SweepStore, 'readMemo' | 'writeMemo'>;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Whether a hub takes the functions of queries that are not documented for twins. A sweep uses them first where the hub has shown nothing
 * yet, and learns from the answer. The answer is remembered for each hub. A refusal is asked again after a week.
 */
export class QueryFunctions {
  readonly #dependencies: QueryFunctionsDependencies;
  #shown: Shown | undefined;

  private constructor(dependencies: QueryFunctionsDependencies, shown: Shown | undefined) {
    this.#dependencies = dependencies;
    this.#shown = shown;
  }

  /** Reads what the hub has shown to earlier sweeps. */
  static async read(dependencies: QueryFunctionsDependencies): Promise<QueryFunctions> {
    const { hub, store, clock } = dependencies;
    const memo = await store.readMemo(functionsMemo);
    const { data } = shownSchema.safeParse(memo === undefined ? undefined : parse(memo.text));
    const isOld = data?.state === 'refused' && clock.now().getTime() - Date.parse(data.at) >= refusalValidity;
    return new QueryFunctions(dependencies, data?.hub !== hub.name || isOld ? undefined : data);
  }

  /** The words that the queries of a new sweep may use. */
  get dialect(): Dialect {
    return this.#shown?.state === 'refused' ? 'documented' : 'full';
  }

  /** Learns from a query that the hub took. */
  async taken(query: string): Promise<void> {
    if (this.#shown?.state !== 'taken' && usesFunctions(query)) await this.#remember('taken');
  }

  /**
   * Learns from a query that the hub refused. The hub may have refused it for another reason, such as its length. So a probe asks for the
   * functions alone.
   */
  async refused(query: string, probe: (query: string) => Promise<Answer<unknown>>): Promise<void> {
    if (!usesFunctions(query)) return;
    const answer = await probe(probeQuery);
    if (answer.ok) await this.taken(query);
    else if (isRefusal(answer.problem)) await this.#remember('refused');
  }

  async #remember(state: Shown['state']): Promise<void> {
    if (this.#shown?.state === state) return;
    const { hub, store, clock } = this.#dependencies;
    const at = clock.now().toISOString();
    this.#shown = { hub: hub.name, state, at };
    await store.writeMemo(functionsMemo, { at, text: JSON.stringify(this.#shown) });
  }
}

/** Whether a query uses a function that is not documented for twins. Pure. */
export function usesFunctions(query: string): boolean {
  const { where } = parseQuery(query);
  return where !== undefined && functionsIn(where).some((name) => name !== 'IS_DEFINED');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
