import type { Hub } from '../hub/index.ts';
import { IdSet } from '../id-set.ts';
import { type Policy, policyHash } from '../policy/index.ts';
import type { JsonObject } from '../twin/index.ts';
import { type Checkpoint, type Finding, withoutContinuation } from './checkpoint.ts';
import { TwinExport } from './export/index.ts';
import { HeldTwins } from './held-twins.ts';
import { Interrupted } from './interruption.ts';
import type { QueryFunctions } from './query-functions.ts';
import { QueuedDevices } from './queued-devices.ts';
import {
  type Look,
  type LookedAt,
  type SweepClaim,
  type SweepRow,
  withLook,
  withOnlyLook,
  withVersion,
} from './store/index.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';
import { type ReadPage, SweepQueries } from './sweep-queries.ts';
import type { FoundDevice } from './twin-results.ts';
import type { Dialect } from './where/index.ts';
import { devicesPerItem, queueWorkItem } from './work-queue.ts';

/**
 * Maximum number of pages of results between two saves, where each save also writes a large set of ids. After a crash, the sweep reads
 * these pages again.
 */
const pagesPerSave = 25;
/** Milliseconds after which the checkpoint is saved even after fewer pages. Slow pages could otherwise let the lease expire. */
const timePerSave = 45_000;
/** Maximum number of warnings in the row of a sweep. A memo holds all of them, and a property of an entity at most 32,768 characters. */
const maxWarnings = 50;
/** Maximum length of a stored reason, in characters. */
export const longestReason = 400;

/** The state of one run of a sweep: its checkpoint, its row, the pages of results that it reads, and the work items that it queues. */
export class Progress {
  readonly #dependencies: SweepDependencies;
  readonly #claim: SweepClaim;
  /** Modules that this run has found. A suspect module that two queries return is queued once. */
  readonly #found: IdSet;
  /** Modules that this run has found and did not queue, because a guard holds their repair back. */
  readonly #held: IdSet;
  readonly #queued: QueuedDevices;
  #beforeSave: (() => Promise<void>) | undefined;
  #unsavedPages = 0;
  #savedAt: number;
  /** The twins whose repair the guards hold back. */
  readonly heldTwins: HeldTwins;
  /** The export of all twins, which walks read. */
  readonly twinExport: TwinExport;
  /** A hub client with the sweep's priority. Each call is counted in the row. */
  readonly hub: Hub;
  /** The queries of this run. */
  readonly queries: SweepQueries;
  checkpoint: Checkpoint;
  row: SweepRow;

  /** `deadline`: a time in milliseconds since 1970. No query starts after this time. */
  constructor(
    dependencies: SweepDependencies,
    claim: SweepClaim,
    checkpoint: Checkpoint,
    functions: QueryFunctions,
    deadline: number,
  ) {
    this.#dependencies = dependencies;
    this.#claim = claim;
    this.#found = new IdSet(claim.id);
    this.#held = new IdSet(claim.id);
    this.#queued = new QueuedDevices(claim.id);
    this.heldTwins = new HeldTwins(dependencies);
    this.#savedAt = dependencies.clock.now().getTime();
    this.hub = dependencies.hub.lane('sweep', () => this.add({ hubCalls: 1 }));
    this.queries = new SweepQueries({
      ...dependencies,
      hub: this.hub,
      functions,
      deadline,
      warn: (sentence) => this.warn(sentence),
    });
    this.twinExport = new TwinExport({ ...dependencies, hub: this.hub });
    this.checkpoint = checkpoint;
    this.row = claim.row;
  }

  /** The words that the queries of this sweep use. */
  get dialect(): Dialect {
    return this.checkpoint.dialect ?? 'full';
  }

  get sweepId(): string {
    return this.#claim.id;
  }

  /** Whether the present step has found so many missing modules that an import job creates the next ones. */
  get isBackfill(): boolean {
    return (this.checkpoint.search?.missing ?? 0) > this.#dependencies.backfillAbove;
  }

  /** Adds these numbers to the counts of the row. */
  add(counts: Partial<Pick<SweepRow, CountName>>): void {
    const { row } = this;
    const sums = Object.entries(counts).map(([name, count]) => [name, row[name as CountName] + count]);
    this.row = { ...row, ...(Object.fromEntries(sums) as typeof counts) };
  }

  /** Reads which devices wait in the queue. Call this method once, before the first step. */
  async readQueue(): Promise<void> {
    const { store, clock } = this.#dependencies;
    await this.#queued.read(store, this.#claim, this.row, clock);
  }

  /** Adds a reason to the list `walked` of the row. Returns false where the list already has that reason. */
  addWalked(reason: string): boolean {
    const sentence = reason.slice(0, longestReason);
    const isNew = !this.row.walked.includes(sentence);
    if (isNew) this.row = { ...this.row, walked: [...this.row.walked, sentence] };
    return isNew;
  }

  /** Records how the sweep looked at a policy's twins or modules. `undefined`: it could not. */
  addLook(policy: Policy, part: LookedAt, look: Look | undefined): void {
    this.row = { ...this.row, verified: withLook(this.#verifiedOf(policy), policy.name, part, look) };
  }

  /** Records the only look that counts: the others are known to be wrong. */
  replaceLooks(policy: Policy, part: LookedAt, look: Look | undefined): void {
    this.row = { ...this.row, verified: withOnlyLook(this.#verifiedOf(policy), policy.name, part, look) };
  }

  #verifiedOf(policy: Policy) {
    return withVersion(this.row.verified ?? {}, policy.name, policyHash(policy));
  }

  /** Adds a probable mistake in a policy to the list `warnings` of the row. The list has a limit, because the row is one table entity. */
  warn(sentence: string): void {
    const { warnings } = this.row;
    const short = sentence.slice(0, longestReason);
    if (warnings.length < maxWarnings && !warnings.includes(short)) {
      this.row = { ...this.row, warnings: [...warnings, short] };
    }
  }

  /**
   * Reads the pages of a query's results, starting at the checkpoint. `find` returns the devices to queue from each page. Stops before the
   * last page where `isEnough` returns true. The checkpoint then has the continuation token of the next page.
   */
  async forEachPage(
    source: string | ReadPage,
    finding: Finding,
    find: (items: readonly JsonObject[]) => readonly FoundDevice[] | Promise<readonly FoundDevice[]>,
    policy?: Policy,
    isEnough: () => boolean = () => false,
  ): Promise<void> {
    const readPage: ReadPage = typeof source === 'string' ? (token) => this.queries.page(source, token) : source;
    for (;;) {
      const { items, continuation } = await readPage(this.checkpoint.continuation);
      const found = this.#onlyNew(finding, await this.#withoutHeld(finding, await find(items), policy));
      this.checkpoint = { ...this.checkpoint, pending: [...this.checkpoint.pending, ...found] };
      await this.queueWork(finding, devicesPerItem);
      this.checkpoint = {
        ...withoutContinuation(this.checkpoint),
        ...(continuation === undefined ? {} : { continuation }),
      };
      if (continuation === undefined || isEnough()) return;
      this.#unsavedPages++;
      const isDue =
        this.#unsavedPages >= pagesPerSave || this.#dependencies.clock.now().getTime() - this.#savedAt >= timePerSave;
      if (this.#beforeSave === undefined || isDue) await this.save();
    }
  }

  /** Queues the pending devices in work items, while at least `least` devices are pending. */
  async queueWork(finding: Finding, least: number): Promise<void> {
    const { clock } = this.#dependencies;
    while (this.checkpoint.pending.length >= least) {
      await queueWorkItem(this.#dependencies, {
        sweepId: this.#claim.id,
        part: `${this.checkpoint.step}-${this.row.parts}`,
        ...finding,
        at: clock.now().toISOString(),
        devices: this.checkpoint.pending.slice(0, devicesPerItem),
        ...(this.isBackfill ? { backfill: 'prepare' } : {}),
      });
      this.add({ parts: 1 });
      this.checkpoint = { ...this.checkpoint, pending: this.checkpoint.pending.slice(devicesPerItem) };
    }
  }

  /**
   * Whether this run has already found this module, also when a guard holds its repair back. Returns false for a module that only an earlier
   * run of the same sweep found.
   */
  hasFound(finding: Finding, deviceId: string): boolean {
    const key = foundKey(finding, deviceId);
    return this.#found.has(key) || this.#held.has(key);
  }

  /** Queues immediately the devices that this run has not found before. Returns their number. */
  async queueNew(finding: Finding, devices: readonly string[]): Promise<number> {
    const found = this.#onlyNew(finding, devices);
    this.checkpoint = { ...this.checkpoint, pending: found };
    await this.queueWork(finding, 1);
    return found.length;
  }

  /**
   * Sets an action that runs before each save of the checkpoint. The action saves data that the checkpoint needs. `undefined` removes the
   * action.
   */
  beforeSave(action: (() => Promise<void>) | undefined): void {
    this.#beforeSave = action;
  }

  /**
   * Saves the checkpoint and the row, and renews the lease.
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

  /** Saves the checkpoint and the row, and releases the lease. `lost`: another instance has taken the lease, so the row was not saved. */
  async saveAndRelease(): Promise<'kept' | 'lost'> {
    await this.#beforeSave?.();
    return this.#dependencies.store.release(this.#claim, this.checkpoint, this.row);
  }

  /** Returns the ids of the devices whose repair no guard holds back, or whose twin has changed. Counts the other devices in the row. */
  async #withoutHeld(
    finding: Finding,
    devices: readonly FoundDevice[],
    policy: Policy | undefined,
  ): Promise<readonly string[]> {
    const left: string[] = [];
    for (const { deviceId, version } of devices) {
      const state = finding.finding === 'missing' ? 'missing' : version;
      const isHeld = policy !== undefined && (await this.heldTwins.isUnchanged(policy, deviceId, state));
      if (!isHeld) left.push(deviceId);
      else if (!this.hasFound(finding, deviceId)) {
        // The module is added to `#held`, and not to `#found`: another policy may find drift in the same twin, and must still be able to
        // queue the module.
        this.#held.add(foundKey(finding, deviceId));
        this.add({ heldBack: 1 });
      }
    }
    return left;
  }

  #onlyNew(finding: Finding, devices: readonly string[]): readonly string[] {
    return devices.filter((id) => {
      const key = foundKey(finding, id);
      // A module that was queued as suspect may be missing now. So a missing module is queued even if the module was found before.
      const isNew = !this.#found.has(key) || finding.finding === 'missing';
      this.#found.add(key);
      if (isNew && this.#queued.has(finding, id)) {
        this.add({ alreadyQueued: 1 });
        return false;
      }
      return isNew;
    });
  }
}

type CountName = 'hubCalls' | 'examined' | 'parts' | 'alreadyQueued' | 'heldBack';

/** The key of a found module. Retired rows of a device have a key of their own, because no module is examined for them. */
function foundKey({ moduleId, finding }: Finding, deviceId: string): string {
  return finding === 'retired' ? `\n\n${deviceId}` : `${moduleId}\n${deviceId}`;
}
