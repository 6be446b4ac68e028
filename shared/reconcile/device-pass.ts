import type { Departure, DriftRow, Source } from '../drift/index.ts';
import { guardedHistory } from '../guards/index.ts';
import type { Answer, NewModule, Problem } from '../hub/index.ts';
import type { Device, Policy } from '../policy/index.ts';
import type { Twin } from '../twin/index.ts';
import { DeviceRows, endOutcome } from './device-rows.ts';
import { type DeviceWork, type EventRef, type ModuleWork, missingModuleWrite, oldestWrite } from './device-work.ts';
import { hasEndedEvidence, NeededCalls } from './needed-calls.ts';
import { type Action, type ObservedTwin, plan, toPatch } from './plan.ts';
import type { ReconcilerDependencies } from './reconciler-dependencies.ts';

/** Where a pass over a device has come to: to its end, or to modules that must be created before it can go on. */
export type PassStep =
  | { readonly deviceId: string; readonly done: DeviceCounts }
  | { readonly deviceId: string; readonly deferred: string; readonly done: DeviceCounts }
  | {
      readonly deviceId: string;
      readonly create: readonly NewModule[];
      resume(answer: (module: NewModule) => Answer<void>): Promise<PassStep>;
    };

/** What a pass has come to, in numbers of history rows. */
export interface DeviceCounts {
  /** Departures that the twins showed, known ones included. */
  readonly found: number;
  /** Those that were mended. */
  readonly changed: number;
}

/** A change on its way, with the rows that wait for its outcome. */
interface PendingAction {
  readonly action: Action;
  readonly rows: readonly DriftRow[];
}

const noneHeld: ReadonlyMap<Departure, string> = new Map();

/** How often a pass starts over because someone else wrote meanwhile, before the device is put off. */
const maxRounds = 6;

/**
 * One pass over one device: recall what is known, look, plan, write ahead, act, write what came of it. Whenever the world has moved
 * meanwhile, the pass simply starts over: by then its own rows are in the journal, and it finds them there.
 */
export class DevicePass {
  readonly #dependencies: Required<ReconcilerDependencies>;
  readonly #work: DeviceWork;
  readonly #source: Source;
  /** Modules that turned out to exist when they were to be created: they are looked at instead. */
  readonly #existing = new Set<string>();
  /** Row keys; a pass that starts over must not count twice. */
  readonly #found = new Set<string>();
  readonly #changed = new Set<string>();
  #round = 0;
  /** The oldest write that a row was about which could not be stored, in milliseconds. */
  #oldestRow = Number.POSITIVE_INFINITY;

  constructor(parts: Required<ReconcilerDependencies>, work: DeviceWork, source: Source) {
    this.#dependencies = parts;
    this.#work = work;
    this.#source = source;
  }

  async begin(): Promise<PassStep> {
    const { deviceId, modules, deletedAt: goneAt, eventRef } = this.#work;
    if (modules.size === 0 && goneAt === undefined) return this.#done();
    if (++this.#round > maxRounds) return this.#deferred('others keep writing to its twins at the same time');

    const { journal, hub, clock, policies } = this.#dependencies;
    const deviceRows = new DeviceRows(await journal.read(deviceId, this.#recallFrom()), {
      hub: hub.name,
      source: this.#source,
      now: () => clock.now().toISOString(),
      ...(eventRef === undefined ? {} : { eventRef }),
    });
    if (goneAt !== undefined) closeAll(deviceRows.allOpenRows(), deviceRows, goneAt);
    for (const { moduleId, deletedAt: at } of modules.values()) {
      // That a module is gone is no end to its being missing.
      const rows = deviceRows.openRows(moduleId).filter((row) => row.kind !== 'missingModule');
      if (at !== undefined) closeAll(rows, deviceRows, at);
    }

    // A read costs a call, so it is made only for what the history does not settle: a redelivered event is an answered question.
    const questions = new NeededCalls(policies, deviceId, deviceRows);
    const mustLook = (module: ModuleWork) => this.#existing.has(module.moduleId) || questions.mustRead(module);
    const looks = [...modules.values()].filter(mustLook);
    const missing = [...modules.values()].filter((module) => !looks.includes(module) && questions.mustCreate(module));
    if (looks.length === 0 && missing.length === 0 && !hasEndedEvidence(this.#work)) return this.#store(deviceRows);

    const device = await this.#device();
    if ('problem' in device) return this.#deviceProblem(device.problem, deviceRows);
    return this.#decide(device.device, looks, missing, deviceRows);
  }

  /** How far back the history matters: to the oldest write that events speak of, and as far as guards look. */
  #recallFrom(): string {
    const guarded = new Date(this.#dependencies.clock.now().getTime() - guardedHistory).toISOString();
    const oldest = oldestWrite(this.#work) ?? guarded;
    const conflicting =
      this.#oldestRow === Number.POSITIVE_INFINITY ? guarded : new Date(Math.max(0, this.#oldestRow)).toISOString();
    return [guarded, oldest, conflicting].reduce((first, time) => (time < first ? time : first));
  }

  /** Reads, plans, writes ahead and acts. */
  async #decide(
    device: Device,
    looks: readonly ModuleWork[],
    missing: readonly ModuleWork[],
    deviceRows: DeviceRows,
  ): Promise<PassStep> {
    const { policies, guard, clock } = this.#dependencies;
    this.#recordEvidence(device, deviceRows);

    const observed: ObservedTwin[] = [];
    const isAbsent = (module: ModuleWork): boolean => {
      const since = missingModuleWrite(module);
      if (since !== undefined) observed.push({ moduleId: module.moduleId, missing: true, write: since });
      return since !== undefined;
    };
    missing.forEach(isAbsent);
    let deferred: string | undefined;
    for (const module of looks) {
      const { moduleId } = module;
      const answer = await this.#dependencies.hub.readTwin(device.deviceId, moduleId);
      if (answer.ok) observed.push({ moduleId, twin: answer.value });
      else if (answer.problem.type !== 'gone')
        deferred = this.#postpone(deviceRows.openRows(moduleId), answer.problem, deviceRows);
      else if (answer.problem.what === 'device') return this.#deviceProblem(answer.problem, deviceRows);
      // Unless an event says so, its deletion has an event of its own, which the missing module is then recorded from.
      else if (!isAbsent(module))
        for (const row of deviceRows.openRows(moduleId))
          if (row.kind !== 'missingModule') deviceRows.close(row, 'gone');
    }

    const { drifts, actions } = plan(policies.all, { device, twins: observed, at: clock.now().toISOString() });
    const twins = new Map(observed.flatMap((seen) => ('twin' in seen ? [[seen.moduleId, seen.twin] as const] : [])));
    const mends = actions.flatMap((action) => action.mends);
    const held =
      mends.length === 0 ? noneHeld : await guard.review({ departures: mends, twins, rows: deviceRows.rows() });
    const pending = this.#record(drifts, actions, held, observed, twins, deviceRows);
    if ((await this.#write(deviceRows)) === 'conflict') return this.begin();

    for (const { action, rows } of pending) {
      if (action.type !== 'patchDesired') continue;
      const answer = await this.#dependencies.hub.patchDesired(
        device.deviceId,
        action.moduleId,
        action.etag,
        toPatch(rows).patch,
      );
      if (!answer.ok && answer.problem.type === 'conflict') return this.begin();
      deferred = this.#conclude(rows, answer, 'enforced', deviceRows) ?? deferred;
    }
    const creations = pending.flatMap(({ action, rows }) =>
      action.type !== 'createModule'
        ? []
        : [
            {
              rows,
              module: {
                deviceId: device.deviceId,
                moduleId: action.moduleId,
                desired: action.desired,
                tags: action.tags,
              },
            },
          ],
    );
    if (creations.length === 0) return this.#store(deviceRows, deferred);
    return {
      deviceId: device.deviceId,
      create: creations.map(({ module }) => module),
      resume: async (answerOf) => {
        let outcome = deferred;
        for (const { module, rows } of creations) {
          const answer = answerOf(module);
          if (!answer.ok && answer.problem.type === 'exists') this.#existing.add(module.moduleId);
          else outcome = this.#conclude(rows, answer, 'created', deviceRows) ?? outcome;
        }
        const step = await this.#store(deviceRows, outcome);
        return creations.some(({ module }) => this.#existing.has(module.moduleId)) ? this.begin() : step;
      },
    };
  }

  /** Rows for what the twins show, and an end for those open rows that they show no more. Returns the changes to make. */
  #record(
    drifts: readonly Departure[],
    actions: readonly Action[],
    held: ReadonlyMap<Departure, string>,
    observed: readonly ObservedTwin[],
    twins: ReadonlyMap<string, Twin>,
    deviceRows: DeviceRows,
  ): readonly PendingAction[] {
    const rowOf = new Map(drifts.map((drift) => [drift, deviceRows.rowFromTwin(drift, twins.get(drift.moduleId))]));
    const current = new Set([...rowOf.values()].map((row) => row.rowKey));
    for (const key of current) this.#found.add(key);
    for (const { moduleId } of observed) {
      const twin = twins.get(moduleId);
      for (const row of deviceRows.openRows(moduleId)) {
        if (!current.has(row.rowKey)) deviceRows.close(row, twin === undefined ? 'gone' : endOutcome(row, twin));
      }
    }

    const mended = new Set(actions.flatMap((action) => action.mends).filter((drift) => !held.has(drift)));
    for (const [drift, row] of rowOf) {
      if (mended.has(drift)) deviceRows.setOutcome(row, 'pending');
      else if (held.has(drift)) deviceRows.setOutcome(row, 'heldBack', held.get(drift));
      else if (drift.kind === 'policyError' || (drift.mode === 'enforce' && drift.message !== undefined))
        deviceRows.setOutcome(row, 'failed', drift.message);
      else deviceRows.setOutcome(row, 'audited', drift.message);
    }
    return actions.flatMap((action) => {
      const rows = action.mends.flatMap((drift) => (mended.has(drift) ? (rowOf.get(drift) ?? []) : []));
      return rows.length === 0 ? [] : [{ action, rows }];
    });
  }

  /** Rows for what events show, for those policies whose scope the device is in. */
  #recordEvidence(device: Device, deviceRows: DeviceRows): void {
    const { policies } = this.#dependencies;
    const inScope = new Set(policies.all.filter((policy) => matches(policy, device)).map((policy) => policy.name));
    const endByEvents = (departure: Departure, ended: 'healed' | 'gone' | undefined, eventRef: EventRef) => {
      // What healed a row that was left half-way may be our own write, of which the twin knows more than its event.
      const isOurs = ended === 'healed' && deviceRows.isUnfinished(departure);
      const row = deviceRows.rowFromEvent(departure, eventRef);
      if (ended !== undefined && row.outcome === 'pending' && !isOurs) deviceRows.close(row, ended);
    };
    for (const { moduleId, evidence, missing } of this.#work.modules.values()) {
      for (const { departure, ended, ...eventRef } of evidence) {
        if (!inScope.has(departure.policy)) continue;
        endByEvents(departure, ended, eventRef);
      }
      for (const { write: since, ended, cause: _, ...eventRef } of missing) {
        for (const departure of plan(policies.all, { device, twins: [{ moduleId, missing: true, write: since }] })
          .drifts) {
          endByEvents(departure, ended, eventRef);
        }
      }
    }
  }

  /** Concludes rows by the hub's answer. Returns a reason when they are to be tried again later. */
  #conclude(
    rows: readonly DriftRow[],
    answer: Answer<void>,
    success: 'enforced' | 'created',
    deviceRows: DeviceRows,
  ): string | undefined {
    if (answer.ok) {
      for (const row of rows) {
        deviceRows.setOutcome(row, success);
        this.#changed.add(row.rowKey);
      }
      return undefined;
    }
    const { problem } = answer;
    if (problem.type === 'gone' || problem.type === 'refused') {
      for (const row of rows) {
        if (problem.type === 'gone') deviceRows.setOutcome(row, 'gone');
        else deviceRows.setOutcome(row, 'failed', problem.message);
      }
      return undefined;
    }
    return this.#postpone(rows, problem, deviceRows);
  }

  #postpone(rows: readonly DriftRow[], { message }: Problem, deviceRows: DeviceRows): string {
    for (const row of rows) {
      const { outcome } = deviceRows.current(row);
      if (outcome === 'pending' || outcome === 'deferred') deviceRows.setOutcome(row, 'deferred', message);
    }
    return message;
  }

  /** The whole device is not there, or cannot be asked about. */
  async #deviceProblem(problem: Problem, deviceRows: DeviceRows): Promise<PassStep> {
    if (problem.type === 'gone') {
      for (const row of deviceRows.allOpenRows()) deviceRows.close(row, 'gone');
      return this.#store(deviceRows);
    }
    return this.#store(deviceRows, this.#postpone(deviceRows.allOpenRows(), problem, deviceRows));
  }

  /** What is known of the device itself. Read only where some policy's scope asks for more than the id. */
  async #device(): Promise<{ readonly device: Device } | { readonly problem: Problem }> {
    const { deviceId, modules } = this.#work;
    const { policies, hub } = this.#dependencies;
    const concerned = policies.all.filter((policy) => modules.has(policy.module) && policy.scope.mayMatchId(deviceId));
    if (concerned.every((policy) => policy.scope.byIdAlone)) return { device: { deviceId, tags: {}, edge: false } };
    const answer = await hub.readTwin(deviceId, '');
    if (!answer.ok) return { problem: answer.problem };
    return { device: { deviceId, tags: answer.value.tags, edge: answer.value.edge } };
  }

  async #write(deviceRows: DeviceRows): Promise<'written' | 'conflict'> {
    const { rows, duplicates: doubles, known } = deviceRows.takeChanges();
    if (rows.length + doubles.length === 0) return 'written';
    const outcome = await this.#dependencies.journal.write(this.#work.deviceId, rows, known, doubles);
    // What was to be added may be a row of old that is over, and that was not recalled: the next round must know it.
    if (outcome === 'conflict')
      this.#oldestRow = Math.min(...rows.map(({ write }) => Date.parse(write.at) || 0), this.#oldestRow);
    return outcome;
  }

  /** Stores what came of it all, and ends the pass. */
  async #store(deviceRows: DeviceRows, deferred?: string): Promise<PassStep> {
    if ((await this.#write(deviceRows)) === 'conflict') return this.begin();
    return deferred === undefined ? this.#done() : this.#deferred(deferred);
  }

  #done(): PassStep {
    return { deviceId: this.#work.deviceId, done: this.#tally() };
  }

  #deferred(reason: string): PassStep {
    return { deviceId: this.#work.deviceId, deferred: reason, done: this.#tally() };
  }

  #tally(): DeviceCounts {
    return { found: this.#found.size, changed: this.#changed.size };
  }
}

/** Ends the rows of what was deleted at a time, unless they are about later writes: about what came in its place. */
function closeAll(rows: readonly DriftRow[], deviceRows: DeviceRows, at: string): void {
  for (const row of rows) if (Date.parse(row.write.at) <= Date.parse(at)) deviceRows.close(row, 'gone');
}

/** A scope function that throws matches nobody; the plan records it. */
function matches(policy: Policy, device: Device): boolean {
  try {
    return policy.scope.matches(device);
  } catch {
    return false;
  }
}
