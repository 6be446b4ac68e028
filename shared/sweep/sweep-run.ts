import type { Clock } from '../clock.ts';
import type { CompetingSetting, SweepClaim, SweepRow, SweepStore } from '../drift/index.ts';
import type { Hub, Problem, QueryPage } from '../hub/index.ts';
import type { Log } from '../log.ts';
import type { Policy, PolicySet } from '../policy/index.ts';
import { breaks, competingSettings, describeCompeting } from '../reconcile/index.ts';
import { isJsonObject, type JsonObject, toTwin } from '../twin/index.ts';
import { IdSet } from './id-set.ts';
import { devicesPerPart, type SweepPart, type SweepQueue } from './part-queue.ts';
import { comparisonOf, fingerprintOf, type SweepStep, sweepSteps } from './steps.ts';
import {
  compileModuleScope,
  compileScope,
  countDevicesQuery,
  countModulesQuery,
  modulesQuery,
  twinsQuery,
} from './where/index.ts';

/** Where a sweep leaves what guards and the app's health want to know. */
export interface SweepNotes {
  /** What {@link putCompeting} put last. */
  competing(): Promise<readonly CompetingSetting[]>;
  putCompeting(settings: readonly CompetingSetting[]): Promise<void>;
  putDeviceCount(policy: string, devices: number): Promise<void>;
}

export interface SweepParts {
  readonly policies: PolicySet;
  readonly hub: Hub;
  readonly store: SweepStore;
  readonly queue: SweepQueue;
  readonly notes: SweepNotes;
  readonly log: Log;
  readonly clock: Clock;
}

/** How one run of a sweep came to its end. */
export type RunEnd =
  | { readonly state: 'done' }
  /** Its policies are others by now: a new sweep is what is needed. */
  | { readonly state: 'abandoned' }
  /** To be gone on with, after so many seconds. */
  | { readonly state: 'paused'; readonly why: string; readonly delay: number }
  /** Somebody else has taken the lead. */
  | { readonly state: 'lost' };

/** How far a sweep has come. Kept in storage after each page of a query, so that whoever goes on does so from here. */
interface Place {
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
  readonly search?: { readonly among: 'modules' | 'devices'; readonly counts: string; readonly missing: number };
}

/** How many pages of a search may have to be read again after a crash. */
const pagesPerSave = 25;
/** And how long it may have taken to read them, in milliseconds: where queries are scarce, the lead would be lost before there are so many. */
const timePerSave = 45_000;
/** After so long without a change in the counts, a search is made all the same, in milliseconds. */
const searchAnyway = 24 * 3600_000;
/** Competing settings named in a sweep's row: it must fit a table's cell. */
const toldSettings = 50;
/** How much of a reason is kept. */
const longestReason = 400;

/**
 * One run of a sweep, from the place where the last left it to its end or its deadline. It asks the hub who breaks the policies and who
 * lacks a module, and hands out what it finds; it changes nothing by itself.
 */
export class SweepRun {
  readonly #parts: SweepParts;
  readonly #hub: Hub;
  readonly #claim: SweepClaim;
  readonly #deadline: number;
  readonly #steps: readonly SweepStep[];
  readonly #counts = new Map<string, number | undefined>();
  /** Modules handed out already; a device that two queries name need not be looked at twice. */
  readonly #handedOut: IdSet;
  /** Devices that have the module that is being searched for. */
  #present: IdSet | undefined;
  #unsavedPages = 0;
  #keptAt: number;
  #place: Place;
  #row: SweepRow;

  /** `deadline`: milliseconds since 1970, after which no query is begun. */
  constructor(parts: SweepParts, claim: SweepClaim, deadline: number) {
    this.#parts = parts;
    this.#claim = claim;
    this.#deadline = deadline;
    this.#row = claim.row;
    this.#keptAt = parts.clock.now().getTime();
    this.#handedOut = new IdSet(claim.id);
    this.#hub = parts.hub.lane('sweep', () => {
      this.#row = { ...this.#row, hubCalls: this.#row.hubCalls + 1 };
    });
    this.#steps = sweepSteps(parts.policies);
    this.#place = (claim.place as Place | undefined) ?? { steps: fingerprintOf(this.#steps), step: 0, pending: [] };
  }

  async run(): Promise<RunEnd> {
    const { store, clock } = this.#parts;
    if (this.#place.steps !== fingerprintOf(this.#steps)) {
      const row = { ...this.#row, state: 'abandoned' as const, endedAt: clock.now().toISOString() };
      await store.leave(this.#claim, this.#place, row);
      return { state: 'abandoned' };
    }
    try {
      for (let step = this.#steps[this.#place.step]; step !== undefined; step = this.#steps[this.#place.step]) {
        await this.#take(step);
        await this.#handOut(step, 1);
        this.#place = { steps: this.#place.steps, step: this.#place.step + 1, pending: [] };
        await this.#keep();
      }
      this.#row = { ...this.#row, state: 'done', endedAt: clock.now().toISOString() };
      const left = await store.leave(this.#claim, this.#place, this.#row);
      return left === 'lost' ? { state: 'lost' } : { state: 'done' };
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      if (error.end.state === 'paused') {
        await this.#savePresent();
        if ((await store.leave(this.#claim, this.#place, this.#row)) === 'lost') return { state: 'lost' };
      }
      return error.end;
    }
  }

  get row(): SweepRow {
    return this.#row;
  }

  /** A step that the hub refuses must not keep the others from being taken, in this sweep and in every later one. */
  async #take(step: SweepStep): Promise<void> {
    try {
      await this.#begin(step);
    } catch (error) {
      if (!(error instanceof QueryRefused) || step.type === 'configurations') throw error;
      const why = `The hub refuses what is asked about ${step.policy.name}, which is not swept: ${error.message}`;
      this.#parts.log.error(why);
      this.#tell(why);
    }
  }

  async #begin(step: SweepStep): Promise<void> {
    switch (step.type) {
      case 'configurations':
        return this.#readConfigurations();
      case 'suspects':
        return this.#askForSuspects(step);
      case 'walk':
        return this.#walk(step, step.policy, step.why);
      case 'missing':
        return this.#countDevices(step);
    }
  }

  async #readConfigurations(): Promise<void> {
    const { policies, notes, log } = this.#parts;
    const answer = await this.#hub.listConfigurations();
    if (!answer.ok) {
      // Without the right to read them, or on a hub that has none, there is nothing to compete.
      if (answer.problem.type !== 'refused') throw stoppedBy(answer.problem);
      log.warn(`The hub's automatic configurations cannot be read: ${answer.problem.message}`);
      return;
    }
    const settings = competingSettings(policies.all, answer.value);
    const competing = [...new Set(settings.map(describeCompeting))];
    const known = new Set((await notes.competing()).map(describeCompeting));
    await notes.putCompeting(settings);
    // Once: the row of every sweep names them, and so does the app's health.
    if (competing.some((sentence) => !known.has(sentence))) {
      log.warn(`Automatic configurations of the hub compete with policies: ${competing.join(' ')}`);
    }
    const told = competing.slice(0, toldSettings).map((sentence) => sentence.slice(0, longestReason));
    this.#row = { ...this.#row, competing: told };
  }

  async #askForSuspects(step: Extract<SweepStep, { type: 'suspects' }>): Promise<void> {
    const { policy, query } = step;
    if (this.#place.walkInstead !== undefined) return this.#walk(step, policy, this.#place.walkInstead);
    try {
      await this.#eachPage(step, query, (items) => items.flatMap(deviceIdOf).filter(policy.scope.mayMatchId));
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error;
      const why = `The hub does not take the query for ${policy.name}: ${error.message}`.slice(0, longestReason);
      this.#place = { ...withoutContinuation(this.#place), walkInstead: why };
      await this.#walk(step, policy, why);
    }
  }

  /** Looks at every twin of a policy's module, a page at a time, as the query shows it. */
  async #walk(step: SweepStep, policy: Policy, why: string): Promise<void> {
    const { clock, log } = this.#parts;
    if (this.#tell(why)) log.info(`All modules of ${policy.name} are walked. ${why}`);
    await this.#eachPage(step, twinsQuery(policy), (items) => {
      const at = clock.now().toISOString();
      this.#row = { ...this.#row, examined: this.#row.examined + items.length };
      return items.flatMap((item) => {
        const [deviceId] = deviceIdOf(item);
        const twin = deviceId === undefined ? undefined : toTwin(item, deviceId, policy.module);
        if (twin === undefined || !policy.scope.mayMatchId(twin.deviceId)) return [];
        return breaks(policy, twin, at) ? [twin.deviceId] : [];
      });
    });
  }

  async #countDevices(step: Extract<SweepStep, { type: 'missing' }>): Promise<void> {
    const { notes, store, clock } = this.#parts;
    const { policy } = step;
    let { search } = this.#place;
    if (search === undefined) {
      const devices = await this.#count(countDevicesQuery(policy));
      if (devices !== undefined) await notes.putDeviceCount(policy.name, devices);
      if (!policy.createModule) return;
      const modules = await this.#count(countModulesQuery(policy));
      const isAlike = comparisonOf(policy) === 'alike';
      if (modules !== undefined && isAlike && modules === devices) return;
      // Tags of devices cannot be asked of modules. But where every device has the module, those in the scope have it, too.
      const all = isAlike ? undefined : await this.#count(countLike(policy));
      if (modules !== undefined && modules === all) return;
      const counts = JSON.stringify([devices, modules, all]);
      const last = await store.recallWalk(policy.name);
      const isRecent = last !== undefined && clock.now().getTime() - Date.parse(last.at) < searchAnyway;
      if (isRecent && last.counts === counts) return;
      search = { among: 'modules', counts, missing: 0 };
      this.#place = { ...this.#place, search };
    }
    await this.#search(step, search);
  }

  /** Streams first the modules, keeping a hash of each, and then the devices: those that were not among the first lack the module. */
  async #search(step: Extract<SweepStep, { type: 'missing' }>, begun: NonNullable<Place['search']>): Promise<void> {
    const { store, clock } = this.#parts;
    const { policy } = step;
    const saved = await store.loadBytes(this.#claim.id, this.#setName());
    const present = saved === undefined ? new IdSet(this.#claim.id) : IdSet.fromBytes(this.#claim.id, saved);
    let search = begun;
    if (saved === undefined && (this.#place.continuation !== undefined || search.among === 'devices')) {
      search = { ...search, among: 'modules', missing: 0 };
      this.#place = { ...withoutContinuation(this.#place), search, pending: [] };
    }
    this.#present = present;
    if (search.among === 'modules') {
      await this.#eachPage(step, modulesQuery(policy), (items) => {
        for (const id of items.flatMap(deviceIdOf)) present.add(id);
        return [];
      });
      search = { ...search, among: 'devices' };
      this.#place = { ...this.#place, search };
      await this.#savePresent();
      await this.#keep();
    }
    this.#present = undefined;
    // A search takes its time; what was counted before it is old by then.
    this.#counts.clear();
    const isPlain = policy.scope.byIdAlone || compileScope(policy).exact;
    const { condition } = compileScope(policy);
    const lacking = (knowsScope: boolean) => (items: readonly JsonObject[]) => {
      const missing = items.flatMap((item) =>
        deviceIdOf(item).filter(
          (id) => !present.has(id) && policy.scope.mayMatchId(id) && (knowsScope || isInScope(policy, item, id)),
        ),
      );
      if (this.#place.search !== undefined) {
        search = { ...this.#place.search, missing: this.#place.search.missing + missing.length };
        this.#place = { ...this.#place, search };
      }
      return missing;
    };
    const query = `SELECT ${isPlain ? 'deviceId' : '*'} FROM devices${condition === '' ? '' : ` WHERE ${condition}`}`;
    try {
      await this.#eachPage(step, query, lacking(isPlain));
    } catch (error) {
      if (!(error instanceof QueryRefused) || condition === '') throw error;
      this.#tell(`The hub does not take the scope of ${policy.name}: ${error.message}`);
      await this.#eachPage(step, 'SELECT * FROM devices', lacking(policy.scope.byIdAlone));
    }
    if (search.missing === 0 || policy.mode === 'audit') {
      await store.rememberWalk(policy.name, { at: clock.now().toISOString(), counts: search.counts });
    }
  }

  /**
   * What a `COUNT() AS n` says; `undefined` where the hub does not take the question, or its answer cannot be understood. The same question
   * is asked once in a step.
   */
  async #count(query: string): Promise<number | undefined> {
    if (!this.#counts.has(query)) this.#counts.set(query, await this.#askForCount(query));
    return this.#counts.get(query);
  }

  async #askForCount(query: string): Promise<number | undefined> {
    try {
      const { items } = await this.#page(query, undefined);
      const count = items[0]?.n;
      return typeof count === 'number' ? count : undefined;
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error;
      this.#parts.log.warn(`The hub does not take a query: ${query}: ${error.message}`);
      return undefined;
    }
  }

  /** Goes through a query's pages from the step's place on, and hands out the devices that `find` names on each. */
  async #eachPage(
    step: SweepStep,
    query: string,
    find: (items: readonly JsonObject[]) => readonly string[],
  ): Promise<void> {
    for (;;) {
      const { items, continuation } = await this.#page(query, this.#place.continuation);
      const found = find(items);
      this.#place = { ...this.#place, pending: [...this.#place.pending, ...this.#firstTime(step, found)] };
      await this.#handOut(step, devicesPerPart);
      // A page of a search counts only together with the set that it was put into.
      this.#place = { ...withoutContinuation(this.#place), ...(continuation === undefined ? {} : { continuation }) };
      if (continuation === undefined) return;
      if (this.#present !== undefined && (++this.#unsavedPages >= pagesPerSave || this.#isKeepDue())) {
        await this.#savePresent();
      }
      if (this.#unsavedPages === 0) await this.#keep();
    }
  }

  async #page(query: string, continuation: string | undefined): Promise<QueryPage> {
    if (this.#parts.clock.now().getTime() >= this.#deadline) {
      throw new Stopped({ state: 'paused', why: 'its time is up', delay: 0 });
    }
    const answer = await this.#hub.queryPage(query, continuation);
    if (answer.ok) return answer.value;
    // Malformed is a 400, too long has been seen to be a 412; whatever else it may be, asking again would not change it.
    if (answer.problem.type === 'throttled' || answer.problem.type === 'transient') throw stoppedBy(answer.problem);
    // Continuations do not live for ever: what was seen already is seen again.
    if (continuation !== undefined) return this.#page(query, undefined);
    throw new QueryRefused(answer.problem.message);
  }

  #firstTime(step: SweepStep, found: readonly string[]): readonly string[] {
    if (step.type === 'configurations' || step.type === 'missing') return found;
    return found.filter((id) => {
      const name = `${step.policy.module}\n${id}`;
      const isFirst = !this.#handedOut.has(name);
      this.#handedOut.add(name);
      return isFirst;
    });
  }

  /** Puts found devices in the queue, in parts of at least `least` devices and never more than one part takes. */
  async #handOut(step: SweepStep, least: number): Promise<void> {
    const { queue, clock } = this.#parts;
    if (step.type === 'configurations') return;
    while (this.#place.pending.length >= least) {
      const devices = this.#place.pending.slice(0, devicesPerPart);
      const part: SweepPart = {
        type: 'part',
        sweepId: this.#claim.id,
        part: `${this.#place.step}-${this.#row.parts}`,
        moduleId: step.policy.module,
        finding: step.type === 'missing' ? 'missing' : 'suspect',
        at: clock.now().toISOString(),
        devices,
        attempt: 0,
      };
      await queue.put(part);
      this.#row = { ...this.#row, parts: this.#row.parts + 1 };
      this.#place = { ...this.#place, pending: this.#place.pending.slice(devicesPerPart) };
    }
  }

  async #keep(): Promise<void> {
    if ((await this.#parts.store.keep(this.#claim, this.#place, this.#row)) === 'lost') {
      throw new Stopped({ state: 'lost' });
    }
    this.#keptAt = this.#parts.clock.now().getTime();
  }

  #isKeepDue(): boolean {
    return this.#parts.clock.now().getTime() - this.#keptAt >= timePerSave;
  }

  /** Has the sweep's row say something about a policy; whether it did not say so before. */
  #tell(reason: string): boolean {
    const sentence = reason.slice(0, longestReason);
    const isNew = !this.#row.walked.includes(sentence);
    if (isNew) this.#row = { ...this.#row, walked: [...this.#row.walked, sentence] };
    return isNew;
  }

  async #savePresent(): Promise<void> {
    this.#unsavedPages = 0;
    if (this.#present === undefined) return;
    await this.#parts.store.saveBytes(this.#claim.id, this.#setName(), this.#present.toBytes());
  }

  #setName(): string {
    return `present-${this.#place.step}`;
  }
}

/** Ends a run from wherever it is; what it says is for {@link SweepRun.run} alone. */
class Stopped extends Error {
  override readonly name = 'Stopped';
  readonly end: Exclude<RunEnd, { state: 'done' | 'abandoned' }>;

  constructor(end: Exclude<RunEnd, { state: 'done' | 'abandoned' }>) {
    super('The sweep is interrupted.');
    this.end = end;
  }
}

/** The hub calls a query malformed, or does not know something in it. */
class QueryRefused extends Error {
  override readonly name = 'QueryRefused';
}

/** Seconds until a sweep is gone on with that the hub had no answer for, if it does not say. */
const hubDelay = 30;

function stoppedBy(problem: Problem): Stopped {
  const after = problem.type === 'throttled' ? problem.retryAfter : undefined;
  return new Stopped({ state: 'paused', why: problem.message, delay: after === undefined ? hubDelay : after / 1000 });
}

function withoutContinuation({ continuation: _, ...place }: Place): Place {
  return place;
}

function deviceIdOf({ deviceId }: JsonObject): readonly string[] {
  return typeof deviceId === 'string' ? [deviceId] : [];
}

/** All devices among which a policy's modules are counted, whatever their tags. */
function countLike(policy: Policy): string {
  const { condition } = compileModuleScope(policy);
  return `SELECT COUNT() AS n FROM devices${condition === '' ? '' : ` WHERE ${condition}`}`;
}

/** A scope function that throws is recorded when the device is looked at. */
function isInScope(policy: Policy, { tags, capabilities }: JsonObject, deviceId: string): boolean {
  try {
    return policy.scope.matches({
      deviceId,
      tags: isJsonObject(tags) ? tags : {},
      edge: isJsonObject(capabilities) && capabilities.iotEdge === true,
    });
  } catch {
    return true;
  }
}
