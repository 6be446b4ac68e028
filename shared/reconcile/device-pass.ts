import { type Departure, type DriftRow, driftKey, type Source } from '../drift/index.ts';
import { guardedHistory } from '../guards/index.ts';
import type { Answer, Problem } from '../hub/index.ts';
import type { Device, Policy } from '../policy/index.ts';
import type { Twin } from '../twin/index.ts';
import { DeviceReader } from './device-reader.ts';
import { DeviceRows } from './device-rows.ts';
import { type DeviceWork, hasEndedEvidence, historyStart, type ModuleWork, missingModuleWrite } from './device-work.ts';
import { isInForce } from './is-in-force.ts';
import { NeededCalls } from './needed-calls.ts';
import type { DeviceCounts, PassStep } from './pass-step.ts';
import { type ObservedTwin, plan, toPatch } from './plan.ts';
import type { CompleteDependencies } from './reconciler-dependencies.ts';
import { type Deferral, recordAnswer, recordDeferral, recordRepairs } from './record-answer.ts';
import { recordDeletions, recordEvidence } from './record-evidence.ts';
import { type PendingAction, recordPlan, twinsByModule } from './record-plan.ts';
import { findSettling, isSettledDeletion, noneSettling } from './settling.ts';

/**
 * The modules of a device that need a call of the hub. Twins of modules in `read` must be read. Modules in `create` are missing and are
 * created without a read.
 */
interface NeededModules {
  readonly read: readonly ModuleWork[];
  readonly create: readonly ModuleWork[];
}

const noneHeld: ReadonlyMap<Departure, string> = new Map();

/**
 * Maximum number of rounds of a pass. A new round starts when another process changed a twin or a row in between, or when a module to
 * create exists already.
 */
const maxRounds = 6;

/**
 * One pass over one device. The pass reads the known rows, reads the twins, makes the plan, stores `pending` rows, changes the hub, and
 * stores the outcomes. When another process changes rows or twins in between, the pass starts a new round. The new round reads the rows
 * that earlier rounds of the pass stored.
 */
export class DevicePass {
  readonly #dependencies: CompleteDependencies;
  readonly #work: DeviceWork;
  readonly #source: Source;
  /** Ids of the modules that the pass could not create, because they exist already. The next round reads their twins. */
  readonly #existing = new Set<string>();
  /** Ids of the modules for which the hub did not say whether it created them. The next round reads their twins. */
  readonly #unclear = new Set<string>();
  /** Row keys of all departures that the pass found. A set, so that a new round does not count a departure twice. */
  readonly #found = new Set<string>();
  /**
   * The outcomes of all departures that the pass repaired, by row key. When another process writes rows before an outcome is stored, the next
   * round stores the outcome.
   */
  readonly #changed = new Map<string, 'enforced' | 'created'>();
  /** The modules that must settle, according to the last plan. */
  #settling = noneSettling;
  #round = 0;
  /** Reads the device twin of this round. */
  #deviceReader: DeviceReader;
  /** Row keys of the rows that the journal rejected as a conflict. The next round reads these rows, of any age. */
  readonly #conflicts = new Set<string>();

  constructor(dependencies: CompleteDependencies, work: DeviceWork, source: Source) {
    this.#dependencies = dependencies;
    this.#work = work;
    this.#source = source;
    this.#deviceReader = new DeviceReader(dependencies.hub, work.deviceId);
  }

  /** Starts a round of the pass. Runs until the pass is done, is deferred, or needs new modules. */
  async begin(): Promise<PassStep> {
    const { deviceId, modules, deletedAt, eventRef } = this.#work;
    if (modules.size === 0 && deletedAt === undefined) return this.#done();
    if (++this.#round > maxRounds)
      return this.#deferred({ reason: `its twins or rows changed during each of ${maxRounds} tries` });

    this.#settling = noneSettling;
    const { journal, hub, clock, policies, versions } = this.#dependencies;
    const deviceRows = new DeviceRows(await journal.read(deviceId, this.#earliestWrite(), this.#neededKeys()), {
      hub: hub.name,
      source: this.#source,
      ...(versions === undefined ? {} : { versions }),
      now: () => clock.now().toISOString(),
      ...(eventRef === undefined ? {} : { eventRef }),
    });
    recordRepairs(this.#changed, deviceRows);
    recordDeletions(this.#work, deviceRows);

    this.#deviceReader = new DeviceReader(hub, deviceId);
    const calls = new NeededCalls(policies, deviceId, deviceRows);
    const needed = this.#neededModules(calls);
    const mustRecord = hasEndedEvidence(this.#work) || [...modules.values()].some((module) => calls.mustRecord(module));
    if (needed.read.length + needed.create.length === 0 && !mustRecord) return this.#store(deviceRows);
    const device = await this.#deviceReader.device(policies.all.filter((policy) => modules.has(policy.module)));
    if ('problem' in device) return this.#recordDeviceProblem(device.problem, deviceRows);
    recordEvidence(this.#work, device.device, policies.all, deviceRows);
    return this.#observe(device.device, needed, deviceRows);
  }

  /**
   * The time from which the pass reads history rows, ISO 8601. Rows with this time or a later one cover the work, and the history that guards
   * need, now and at the time of each departure that an event shows.
   */
  #earliestWrite(): string {
    const now = this.#dependencies.clock.now().getTime();
    return new Date(Math.max(0, Math.min(now, historyStart(this.#work)) - guardedHistory)).toISOString();
  }

  /** Row keys of rows that the pass needs, however many newer rows the device has. */
  #neededKeys(): readonly string[] {
    const evidence = [...this.#work.modules.values()].flatMap((module) => module.evidence);
    return [...this.#conflicts, ...evidence.map(({ departure }) => driftKey(departure))];
  }

  #neededModules(calls: NeededCalls): NeededModules {
    const modules = [...this.#work.modules.values()];
    const { settleTime, clock } = this.#dependencies;
    const mustLookAgain = (module: ModuleWork) =>
      isSettledDeletion(module, settleTime, clock.now().getTime()) && calls.mustCreate(module);
    const read = modules.filter(
      (module) => this.#mustReadAgain(module.moduleId) || calls.mustRead(module) || mustLookAgain(module),
    );
    const create = modules.filter((module) => !read.includes(module) && calls.mustCreate(module));
    return { read, create };
  }

  /** Reads the twins of the needed modules. Then makes the plan and carries it out. */
  async #observe(device: Device, needed: NeededModules, deviceRows: DeviceRows): Promise<PassStep> {
    const observed: ObservedTwin[] = needed.create.flatMap(asMissing);
    let deferred: Deferral | undefined;
    for (const module of needed.read) {
      const { moduleId } = module;
      const answer = await this.#dependencies.hub.readTwin(device.deviceId, moduleId);
      if (answer.ok) {
        observed.push({ moduleId, twin: answer.value });
        continue;
      }
      const { problem } = answer;
      if (problem.type !== 'gone') {
        deferred = recordDeferral(deviceRows.openRows(moduleId), problem, deviceRows);
        continue;
      }
      if (problem.what === 'device') return this.#recordDeviceProblem(problem, deviceRows);
      const missing = asMissing(module);
      observed.push(...missing);
      if (missing.length > 0) continue;
      // The event of the module's deletion will record the missing module. Here, only the other open rows of the module are closed.
      for (const row of deviceRows.openRows(moduleId)) {
        if (row.kind !== 'missingModule') deviceRows.close(row, 'gone');
      }
    }
    return this.#planAndAct(device, observed, needed, deferred, deviceRows);
  }

  /** Makes the plan, calls the guard, stores the `pending` rows, and carries out the actions of the plan. */
  async #planAndAct(
    device: Device,
    observed: readonly ObservedTwin[],
    needed: NeededModules,
    deferredByRead: Deferral | undefined,
    deviceRows: DeviceRows,
  ): Promise<PassStep> {
    const { policies, guard, clock, hub, settleTime } = this.#dependencies;
    const isSeparate = (policy: Policy) => deviceRows.hasSeparateRows(policy);
    const planned = plan(policies.all, { device, twins: observed, at: clock.now().toISOString(), isSeparate });
    // Whether the module existed shortly before the read. The module of a sweep's finding existed when the sweep queried the hub. Any other
    // module that was not found may never have existed.
    const existedBefore = (moduleId: string) =>
      this.#existing.has(moduleId) ||
      (this.#source === 'sweep' && needed.read.some((module) => module.moduleId === moduleId));
    const time = { settleTime, now: clock.now().getTime() };
    this.#settling = findSettling(planned, deviceRows, time, (id) => this.#work.modules.get(id), existedBefore);
    const settling = this.#settling.reasons;
    const departures = planned.actions.flatMap((action) => action.repairs.filter((drift) => !settling.has(drift)));
    const held =
      departures.length === 0
        ? noneHeld
        : await guard.review({
            departures,
            twins: twinsByModule(observed),
            rows: deviceRows.rows(),
            readDeviceTwin: () => this.#deviceReader.twin(),
          });
    const isDemanded = (row: DriftRow, twin: Twin | undefined) => isInForce(row, policies.all, { device, twin });
    const { found, pending } = recordPlan(planned, held, settling, observed, deviceRows, isDemanded);
    for (const key of found) this.#found.add(key);
    if ((await this.#write(deviceRows)) === 'conflict') return this.begin();

    let deferred = deferredByRead;
    for (const { action, rows, repairs } of pending) {
      if (action.type !== 'patchDesired') continue;
      const { patch } = toPatch(repairs);
      const answer = await hub.patchDesired(device.deviceId, action.moduleId, action.etag, patch);
      if (!answer.ok && answer.problem.type === 'conflict') return this.begin();
      deferred = this.#recordAnswer(rows, answer, 'enforced', deviceRows) ?? deferred;
    }
    return this.#createModules(pending, deferred, deviceRows);
  }

  /** Returns the modules that the caller must create. Ends the pass when the plan has no modules to create. */
  async #createModules(
    pending: readonly PendingAction[],
    deferred: Deferral | undefined,
    deviceRows: DeviceRows,
  ): Promise<PassStep> {
    const { deviceId } = this.#work;
    const creations = pending.flatMap(({ action, rows }) => {
      if (action.type !== 'createModule') return [];
      const { moduleId, desired, tags } = action;
      return [{ rows, module: { deviceId, moduleId, desired, tags } }];
    });
    if (creations.length === 0) return this.#store(deviceRows, deferred);
    return {
      deviceId,
      create: creations.map(({ module }) => module),
      resume: async (answerOf) => {
        let reason = deferred;
        for (const { module, rows } of creations) {
          const answer = answerOf(module);
          if (!answer.ok && answer.problem.type === 'exists') this.#existing.add(module.moduleId);
          else if (!answer.ok && answer.problem.type === 'unclear') this.#unclear.add(module.moduleId);
          else reason = this.#recordAnswer(rows, answer, 'created', deviceRows) ?? reason;
        }
        const mustReadAgain = creations.some(({ module }) => this.#mustReadAgain(module.moduleId));
        if ((await this.#write(deviceRows)) === 'conflict' || mustReadAgain) return this.begin();
        return reason === undefined ? this.#done() : this.#deferred(reason);
      },
    };
  }

  #mustReadAgain(moduleId: string): boolean {
    return this.#existing.has(moduleId) || this.#unclear.has(moduleId);
  }

  #recordAnswer(
    rows: PendingAction['rows'],
    answer: Answer<void>,
    success: 'enforced' | 'created',
    deviceRows: DeviceRows,
  ): Deferral | undefined {
    if (answer.ok) for (const { rowKey } of rows) this.#changed.set(rowKey, success);
    return recordAnswer(rows, answer, success, deviceRows);
  }

  /**
   * Ends the pass, because the device does not exist or the hub returned a problem for the device. Closes all open rows when the device
   * does not exist. Otherwise defers the device.
   */
  async #recordDeviceProblem(problem: Problem, deviceRows: DeviceRows): Promise<PassStep> {
    if (problem.type === 'gone') {
      for (const row of deviceRows.allOpenRows()) deviceRows.close(row, 'gone');
      return this.#store(deviceRows);
    }
    return this.#store(deviceRows, recordDeferral(deviceRows.allOpenRows(), problem, deviceRows));
  }

  /** Writes the rows that changed to the journal. */
  async #write(deviceRows: DeviceRows): Promise<'written' | 'conflict'> {
    const { rows, known } = deviceRows.takeChanges();
    if (rows.length === 0) return 'written';
    const result = await this.#dependencies.journal.write(this.#work.deviceId, rows, known);
    // A new row can conflict with an old, closed row that the pass did not read.
    if (result === 'conflict') for (const { rowKey } of rows) this.#conflicts.add(rowKey);
    return result;
  }

  /** Stores the outcomes and ends the pass. After a conflict with another process, starts a new round instead. */
  async #store(deviceRows: DeviceRows, deferred?: Deferral): Promise<PassStep> {
    if ((await this.#write(deviceRows)) === 'conflict') return this.begin();
    return deferred === undefined ? this.#done() : this.#deferred(deferred);
  }

  #done(): PassStep {
    const { until, reasons } = this.#settling;
    const [reason] = reasons.values();
    if (reason !== undefined) {
      const retryAfter = Math.max(1, Math.ceil((until - this.#dependencies.clock.now().getTime()) / 1000));
      return { deviceId: this.#work.deviceId, deferred: reason, retryAfter, done: this.#counts() };
    }
    return { deviceId: this.#work.deviceId, done: this.#counts() };
  }

  #deferred({ reason, retryAfter }: Deferral): PassStep {
    const wait = retryAfter === undefined ? {} : { retryAfter };
    return { deviceId: this.#work.deviceId, deferred: reason, ...wait, done: this.#counts() };
  }

  #counts(): DeviceCounts {
    return { found: this.#found.size, changed: this.#changed.size };
  }
}

/** The observation that a module does not exist. Empty when an event will record the missing module. */
function asMissing(module: ModuleWork): readonly ObservedTwin[] {
  const write = missingModuleWrite(module);
  return write === undefined ? [] : [{ moduleId: module.moduleId, missing: true, write }];
}
