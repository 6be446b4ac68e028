import type { Hub, QueryPage } from '../hub/index.ts';
import type { JsonObject } from '../twin/index.ts';
import { type Checkpoint, type Finding, withoutContinuation } from './checkpoint.ts';
import { IdSet } from './id-set.ts';
import { Interrupted, interruptedBy, QueryRefused } from './interruption.ts';
import type { SweepClaim, SweepRow } from './store/index.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { devicesPerItem } from './work-queue.ts';

/**
 * The most pages between two saves of the checkpoint, where each save also writes a large set of ids. After a crash, these pages are read
 * again.
 */
const pagesPerSave = 25;
/** Milliseconds after which the checkpoint is saved even after fewer pages. Slow pages would otherwise let the lease expire. */
const timePerSave = 45_000;
/** Characters of a reason that are stored. */
export const longestReason = 400;

/** One run of a sweep: its checkpoint, its row, the pages that it reads and the work items that it queues. */
export class Progress {
  readonly #dependencies: SweepDependencies;
  readonly #claim: SweepClaim;
  readonly #deadline: number;
  readonly #counts = new Map<string, number | undefined>();
  /** Modules that this run has found. A module that two queries name is queued once. */
  readonly #found: IdSet;
  #beforeSave: (() => Promise<void>) | undefined;
  #unsavedPages = 0;
  #savedAt: number;
  /** The hub on the sweep's lane. The row counts each call. */
  readonly hub: Hub;
  checkpoint: Checkpoint;
  row: SweepRow;

  /** `deadline`: milliseconds since 1970. No query starts after it. */
  constructor(dependencies: SweepDependencies, claim: SweepClaim, checkpoint: Checkpoint, deadline: number) {
    this.#dependencies = dependencies;
    this.#claim = claim;
    this.#deadline = deadline;
    this.#found = new IdSet(claim.id);
    this.#savedAt = dependencies.clock.now().getTime();
    this.hub = dependencies.hub.lane('sweep', () => this.add({ hubCalls: 1 }));
    this.checkpoint = checkpoint;
    this.row = claim.row;
  }

  get sweepId(): string {
    return this.#claim.id;
  }

  /** Adds to the counts of the row. */
  add(counts: Partial<Pick<SweepRow, 'hubCalls' | 'examined' | 'parts'>>): void {
    const { hubCalls = 0, examined = 0, parts = 0 } = counts;
    const { row } = this;
    this.row = {
      ...row,
      hubCalls: row.hubCalls + hubCalls,
      examined: row.examined + examined,
      parts: row.parts + parts,
    };
  }

  /** Adds a reason to `walked` of the row. Returns false where the row already has that reason. */
  addWalked(reason: string): boolean {
    const sentence = reason.slice(0, longestReason);
    const isNew = !this.row.walked.includes(sentence);
    if (isNew) this.row = { ...this.row, walked: [...this.row.walked, sentence] };
    return isNew;
  }

  /**
   * Reads one page of a query.
   *
   * @throws {Interrupted} after the deadline, or when the hub has no answer for now.
   * @throws {QueryRefused} when the hub refuses the query.
   */
  async page(query: string, continuation?: string): Promise<QueryPage> {
    if (this.#dependencies.clock.now().getTime() >= this.#deadline) {
      throw new Interrupted({ state: 'paused', reason: 'its deadline has passed', delay: 0 });
    }
    const answer = await this.hub.queryPage(query, continuation);
    if (answer.ok) return answer.value;
    // A retry helps only against these two problems. The hub answers 400 to a malformed query, and has been seen to answer 412 to one that
    // is too long.
    if (answer.problem.type === 'throttled' || answer.problem.type === 'transient') throw interruptedBy(answer.problem);
    // Continuation tokens expire: start at the first page again.
    if (continuation !== undefined) return this.page(query);
    throw new QueryRefused(answer.problem.message);
  }

  /** Reads a query's pages from the checkpoint on, and queues work items for the devices that `find` returns for each page. */
  async forEachPage(
    query: string,
    finding: Finding,
    find: (items: readonly JsonObject[]) => readonly string[],
  ): Promise<void> {
    for (;;) {
      const { items, continuation } = await this.page(query, this.checkpoint.continuation);
      const found = this.#onlyNew(finding, find(items));
      this.checkpoint = { ...this.checkpoint, pending: [...this.checkpoint.pending, ...found] };
      await this.queueWork(finding, devicesPerItem);
      this.checkpoint = {
        ...withoutContinuation(this.checkpoint),
        ...(continuation === undefined ? {} : { continuation }),
      };
      if (continuation === undefined) return;
      this.#unsavedPages++;
      const isDue =
        this.#unsavedPages >= pagesPerSave || this.#dependencies.clock.now().getTime() - this.#savedAt >= timePerSave;
      if (this.#beforeSave === undefined || isDue) await this.save();
    }
  }

  /**
   * The answer to a `COUNT() AS n` query. `undefined` where the hub refuses the query or gives no number. The same query is sent once,
   * until the counts are forgotten.
   */
  async count(query: string): Promise<number | undefined> {
    if (!this.#counts.has(query)) this.#counts.set(query, await this.#askForCount(query));
    return this.#counts.get(query);
  }

  forgetCounts(): void {
    this.#counts.clear();
  }

  /** Queues the pending devices in work items, as long as at least `least` devices are pending. */
  async queueWork(finding: Finding, least: number): Promise<void> {
    const { queue, clock } = this.#dependencies;
    while (this.checkpoint.pending.length >= least) {
      await queue.put({
        type: 'part',
        sweepId: this.#claim.id,
        part: `${this.checkpoint.step}-${this.row.parts}`,
        ...finding,
        at: clock.now().toISOString(),
        devices: this.checkpoint.pending.slice(0, devicesPerItem),
        attempt: 0,
      });
      this.add({ parts: 1 });
      this.checkpoint = { ...this.checkpoint, pending: this.checkpoint.pending.slice(devicesPerItem) };
    }
  }

  /** Whether this run has already found a module. An earlier run of the same sweep may have found others. */
  hasFound({ moduleId }: Finding, deviceId: string): boolean {
    return this.#found.has(`${moduleId}\n${deviceId}`);
  }

  /** Queues at once those of the devices that this run has not found before. Returns their number. */
  async queueNew(finding: Finding, devices: readonly string[]): Promise<number> {
    const found = this.#onlyNew(finding, devices);
    this.checkpoint = { ...this.checkpoint, pending: found };
    await this.queueWork(finding, 1);
    return found.length;
  }

  /**
   * Sets an action that runs before each save of the checkpoint, to save data that the checkpoint needs. `undefined` removes the action.
   */
  beforeSave(action: (() => Promise<void>) | undefined): void {
    this.#beforeSave = action;
  }

  /**
   * Saves checkpoint and row, and renews the lease.
   *
   * @throws {Interrupted} when another instance has taken the lease.
   */
  async save(): Promise<void> {
    await this.#beforeSave?.();
    this.#unsavedPages = 0;
    if ((await this.#dependencies.store.renew(this.#claim, this.checkpoint, this.row)) === 'lost') {
      throw new Interrupted({ state: 'lost' });
    }
    this.#savedAt = this.#dependencies.clock.now().getTime();
  }

  /** Saves checkpoint and row, and releases the lease. */
  async saveAndRelease(): Promise<'kept' | 'lost'> {
    await this.#beforeSave?.();
    return this.#dependencies.store.release(this.#claim, this.checkpoint, this.row);
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

  #onlyNew({ finding, moduleId }: Finding, devices: readonly string[]): readonly string[] {
    return devices.filter((id) => {
      const name = `${moduleId}\n${id}`;
      const isNew = !this.#found.has(name);
      this.#found.add(name);
      // A module that was found as suspect may be missing by now, so `missing` is queued all the same.
      return isNew || finding === 'missing';
    });
  }
}
