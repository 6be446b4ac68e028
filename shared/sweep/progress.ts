import type { Hub, QueryPage } from '../hub/index.ts';
import type { JsonObject } from '../twin/index.ts';
import { IdSet } from './id-set.ts';
import { Interrupted, interruptedBy, QueryRefused } from './interruption.ts';
import type { SweepClaim, SweepRow } from './store/index.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { devicesPerItem, type WorkItem } from './work-queue.ts';

/** How far a sweep has come. Kept in storage after each page of a query, so that whoever goes on does so from here. */
export interface Place {
  /** The fingerprint of the steps that it is a place in. */
  readonly steps: string;
  readonly step: number;
  /** The page of the step's query that comes next; the first when there is none. */
  readonly continuation?: string;
  /** Devices found and not yet handed out: they would make too small a part. */
  readonly pending: readonly string[];
  /** Why the modules of the step's policy are walked although it can be asked as a query. */
  readonly walkInstead?: string;
  /** Where the search for missing modules is; before it there is only counting. */
  readonly search?: Search;
}

/** How far a search for missing modules has come. */
export interface Search {
  readonly among: 'modules' | 'devices';
  /** What was counted before it. */
  readonly counts: string;
  /** How many are missing so far. */
  readonly missing: number;
}

/** What is to be made of the devices that a query names. */
export type Finding = Pick<WorkItem, 'moduleId' | 'finding'>;

/** How many pages may have to be read again after a crash, where more than the place must be kept with them. */
const pagesPerSave = 25;
/** And how long it may have taken to read them, in milliseconds: where queries are scarce, the lead would be lost before there are so many. */
const timePerSave = 45_000;
/** How much of a reason is kept. */
export const longestReason = 400;

/** One run of a sweep as it goes on: its place and its row, the hub's pages, and what is handed out of them. */
export class Progress {
  readonly #dependencies: SweepDependencies;
  readonly #claim: SweepClaim;
  readonly #deadline: number;
  readonly #counts = new Map<string, number | undefined>();
  /** Modules handed out already; one that two queries name need not be looked at twice. */
  readonly #handedOut: IdSet;
  #saveFirst: (() => Promise<void>) | undefined;
  #unsavedPages = 0;
  #keptAt: number;
  /** The hub, whose every call is counted in the row. */
  readonly hub: Hub;
  place: Place;
  row: SweepRow;

  /** `deadline`: milliseconds since 1970, after which no query is begun. */
  constructor(parts: SweepDependencies, claim: SweepClaim, start: Place, deadline: number) {
    this.#dependencies = parts;
    this.#claim = claim;
    this.#deadline = deadline;
    this.#handedOut = new IdSet(claim.id);
    this.#keptAt = parts.clock.now().getTime();
    this.hub = parts.hub.lane('sweep', () => this.add({ hubCalls: 1 }));
    this.place = start;
    this.row = claim.row;
  }

  get sweepId(): string {
    return this.#claim.id;
  }

  /** Counts something more in the row. */
  add(numbers: Partial<Pick<SweepRow, 'hubCalls' | 'examined' | 'parts'>>): void {
    const { hubCalls = 0, examined = 0, parts = 0 } = numbers;
    const { row } = this;
    this.row = {
      ...row,
      hubCalls: row.hubCalls + hubCalls,
      examined: row.examined + examined,
      parts: row.parts + parts,
    };
  }

  /** Has the row say something about a policy that could not be asked for as it should be. Whether it did not say so before. */
  tell(reason: string): boolean {
    const sentence = reason.slice(0, longestReason);
    const isNew = !this.row.walked.includes(sentence);
    if (isNew) this.row = { ...this.row, walked: [...this.row.walked, sentence] };
    return isNew;
  }

  /** One page of a query. @throws {Interrupted | QueryRefused} */
  async page(query: string, continuation?: string): Promise<QueryPage> {
    if (this.#dependencies.clock.now().getTime() >= this.#deadline) {
      throw new Interrupted({ state: 'paused', why: 'its time is up', delay: 0 });
    }
    const answer = await this.hub.queryPage(query, continuation);
    if (answer.ok) return answer.value;
    // Malformed is a 400, too long has been seen to be a 412; whatever else it may be, asking again would not change it.
    if (answer.problem.type === 'throttled' || answer.problem.type === 'transient') throw interruptedBy(answer.problem);
    // Continuations do not live for ever: what was seen already is seen again.
    if (continuation !== undefined) return this.page(query);
    throw new QueryRefused(answer.problem.message);
  }

  /** Goes through a query's pages from the place on, and hands out the devices that `find` names on each. */
  async eachPage(
    query: string,
    finding: Finding,
    find: (items: readonly JsonObject[]) => readonly string[],
  ): Promise<void> {
    for (;;) {
      const { items, continuation } = await this.page(query, this.place.continuation);
      const found = this.#firstTime(finding, find(items));
      this.place = { ...this.place, pending: [...this.place.pending, ...found] };
      await this.handOut(finding, devicesPerItem);
      this.place = { ...withoutContinuation(this.place), ...(continuation === undefined ? {} : { continuation }) };
      if (continuation === undefined) return;
      this.#unsavedPages++;
      const isDue =
        this.#unsavedPages >= pagesPerSave || this.#dependencies.clock.now().getTime() - this.#keptAt >= timePerSave;
      if (this.#saveFirst === undefined || isDue) await this.keep();
    }
  }

  /**
   * What a `COUNT() AS n` says; `undefined` where the hub does not take the question, or its answer cannot be understood. The same question
   * is asked once until the counts are forgotten.
   */
  async count(query: string): Promise<number | undefined> {
    if (!this.#counts.has(query)) this.#counts.set(query, await this.#askForCount(query));
    return this.#counts.get(query);
  }

  forgetCounts(): void {
    this.#counts.clear();
  }

  /** Hands out what is pending, in parts of at least `least` devices and never more than one part takes. */
  async handOut(finding: Finding, least: number): Promise<void> {
    const { queue, clock } = this.#dependencies;
    while (this.place.pending.length >= least) {
      await queue.put({
        type: 'part',
        sweepId: this.#claim.id,
        part: `${this.place.step}-${this.row.parts}`,
        ...finding,
        at: clock.now().toISOString(),
        devices: this.place.pending.slice(0, devicesPerItem),
        attempt: 0,
      });
      this.add({ parts: 1 });
      this.place = { ...this.place, pending: this.place.pending.slice(devicesPerItem) };
    }
  }

  /** Whether this sweep has handed a module out already, as far as this run knows. */
  isHandedOut({ moduleId }: Finding, deviceId: string): boolean {
    return this.#handedOut.has(`${moduleId}\n${deviceId}`);
  }

  /** Hands out those of these devices that were not yet, at once. How many they are. */
  async handOutOnce(finding: Finding, devices: readonly string[]): Promise<number> {
    const found = this.#firstTime(finding, devices);
    this.place = { ...this.place, pending: found };
    await this.handOut(finding, 1);
    return found.length;
  }

  /** Has `save` called before the place is kept, because the place means nothing without what it saves. `undefined` ends that. */
  saveFirst(save: (() => Promise<void>) | undefined): void {
    this.#saveFirst = save;
  }

  /** Keeps place and row. @throws {Interrupted} when the lead is lost. */
  async keep(): Promise<void> {
    await this.#saveFirst?.();
    this.#unsavedPages = 0;
    if ((await this.#dependencies.store.keep(this.#claim, this.place, this.row)) === 'lost') {
      throw new Interrupted({ state: 'lost' });
    }
    this.#keptAt = this.#dependencies.clock.now().getTime();
  }

  /** Keeps place and row, and gives the lead up. */
  async leave(): Promise<'kept' | 'lost'> {
    await this.#saveFirst?.();
    return this.#dependencies.store.leave(this.#claim, this.place, this.row);
  }

  async #askForCount(query: string): Promise<number | undefined> {
    try {
      const { items } = await this.page(query);
      const count = items[0]?.n;
      return typeof count === 'number' ? count : undefined;
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error;
      this.#dependencies.log.warn(`The hub does not take a query: ${query}: ${error.message}`);
      return undefined;
    }
  }

  #firstTime({ finding, moduleId }: Finding, found: readonly string[]): readonly string[] {
    return found.filter((id) => {
      const name = `${moduleId}\n${id}`;
      const isFirst = !this.#handedOut.has(name);
      this.#handedOut.add(name);
      // That a module may break a policy says nothing of its being missing.
      return isFirst || finding === 'missing';
    });
  }
}

export function withoutContinuation({ continuation: _, ...place }: Place): Place {
  return place;
}
