import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import type { CompetingSetting, OverwriteLimit } from '../guards/index.ts';
import type { Device, Policy } from '../policy/index.ts';
import { isOutOfLine, type Plan, plan } from '../reconcile/index.ts';
import { asTwins, countsAlike, deviceIdsOf, IdSet, isPlain, QueryRefused, toDevice } from '../sweep/index.ts';
import {
  brokenModulesQueries,
  compileRules,
  compileScope,
  countDevicesQuery,
  countLikeQuery,
  countModulesQuery,
  modulesQuery,
  scopeQuery,
  twinsQuery,
} from '../sweep/where/index.ts';
import { type JsonObject, type Twin, toTwin } from '../twin/index.ts';
import { ForecastGuard } from './forecast-guard.ts';
import { KnownScope } from './known-scope.ts';
import { type PlannedOutcome, PolicyCounts } from './policy-counts.ts';
import type { Questions } from './questions.ts';
import type { PolicyForecast } from './result.ts';

export interface ModuleForecastDependencies {
  /** `''` for devices' own twins. */
  readonly moduleId: string;
  /** All policies about this module: what one of them wants goes into the same patch as what the others want. */
  readonly policies: readonly Policy[];
  readonly questions: Questions;
  readonly competing: readonly CompetingSetting[];
  readonly limit: OverwriteLimit;
  readonly clock: Clock;
}

/** What is known about a policy so far. */
interface PolicyState {
  readonly tally: PolicyCounts;
  /** Which devices are in the scope; only where that had to be asked one by one. */
  scope: KnownScope | undefined;
  devices: number;
  /** As many as a walk over its devices will show at most. */
  atMost: number | undefined;
  walked: string | undefined;
}

/** What would be done about one module on all devices, or about devices' own twins. */
export class ModuleForecast {
  readonly #dependencies: ModuleForecastDependencies;
  readonly #states: ReadonlyMap<Policy, PolicyState>;
  readonly #guard: ForecastGuard;
  readonly #salt = crypto.randomUUID();
  /** Devices whose twin has been dealt with. */
  readonly #planned = new IdSet(this.#salt);
  /** Plans for a missing module depend on nothing but which policies apply. */
  readonly #missingPlans = new Map<string, Plan>();
  /** The calls that mending would take. */
  readonly calls = { twinRead: 0, twinUpdate: 0, bulk: 0 };

  constructor(parts: ModuleForecastDependencies) {
    this.#dependencies = parts;
    this.#states = new Map(
      parts.policies.map((policy) => [
        policy,
        { tally: new PolicyCounts(), scope: undefined, devices: 0, atMost: undefined, walked: undefined },
      ]),
    );
    const { competing, limit, clock } = parts;
    const byName = new Map(parts.policies.map((policy) => [policy.name, policy]));
    this.#guard = new ForecastGuard({
      competing,
      limit,
      clock,
      deviceCount: (name) => {
        const policy = byName.get(name);
        return policy === undefined ? 0 : this.#stateOf(policy).devices;
      },
    });
  }

  /** Asks everything. */
  async look(): Promise<void> {
    const { policies } = this.#dependencies;
    for (const policy of policies) await this.#lookAtDevices(policy);
    for (const policy of policies) await this.#lookAtTwins(policy);
  }

  resultFor(policy: Policy): PolicyForecast {
    const { tally, devices, walked } = this.#stateOf(policy);
    const overwrites = this.#guard.overwrites(policy.name);
    return {
      policy: policy.name,
      module: policy.module,
      mode: policy.mode,
      devices,
      compliant: Math.max(0, devices - tally.outOfLine),
      modulesToCreate: tally.create,
      propertiesToChange: tally.change,
      changes: tally.changes(),
      recorded: tally.recorded(),
      ...(overwrites === undefined ? {} : { overwrites }),
      examples: tally.examples(),
      ...(walked === undefined ? {} : { walked }),
    };
  }

  #stateOf(policy: Policy): PolicyState {
    const state = this.#states.get(policy);
    if (state === undefined) throw new Error(`The policy ${policy.name} is about another module.`);
    return state;
  }

  /** Counts a policy's devices, and finds those without its module. */
  async #lookAtDevices(policy: Policy): Promise<void> {
    const { questions } = this.#dependencies;
    const state = this.#stateOf(policy);
    const counted = await questions.count(countDevicesQuery(policy));
    state.atMost = counted;
    const isExact = counted !== undefined && compileScope(policy).exact;
    if (isExact) state.devices = counted;
    const modules = policy.createModule ? await questions.count(countModulesQuery(policy)) : undefined;
    const present = (await this.#mayMiss(policy, counted, modules)) ? await this.#present(policy, modules) : undefined;
    if (isExact && present === undefined) return;
    await this.#walkDevices(policy, present);
    if (!isExact) state.devices = this.#scopeOf(policy).size;
  }

  /** Whether some device in the scope may lack the module, as far as counting can tell. */
  async #mayMiss(policy: Policy, devices: number | undefined, modules: number | undefined): Promise<boolean> {
    if (!policy.createModule) return false;
    if (modules === undefined) return true;
    if (countsAlike(policy)) return modules !== devices;
    return modules !== (await this.#dependencies.questions.count(countLikeQuery(policy)));
  }

  /** The devices that have the module. */
  async #present(policy: Policy, total: number | undefined): Promise<IdSet> {
    const present = new IdSet(this.#salt);
    const what = `modules of ${policy.name}`;
    for await (const items of this.#dependencies.questions.pages(modulesQuery(policy), {
      asker: 'sweepToo',
      what,
      total,
    })) {
      for (const id of items.flatMap(deviceIdsOf)) present.add(id);
    }
    return present;
  }

  /** Goes through a policy's devices to learn which they are and, with `present`, which of them lack the module. */
  async #walkDevices(policy: Policy, present?: IdSet): Promise<void> {
    const { questions, policies } = this.#dependencies;
    const scope = this.#scopeOf(policy);
    const isSettled = isPlain(policy);
    const isKept = !policy.scope.byIdAlone || !compileScope(policy).exact;
    // Whether the other policies want something of a module that is missing depends on more than the id.
    const needsTwins = !isSettled || (present !== undefined && policies.some((other) => !this.#byId(other, policy)));
    const created = this.calls.bulk;
    let missing = 0;
    for await (const items of questions.pages(scopeQuery(policy, needsTwins ? '*' : 'deviceId'), {
      asker: present === undefined ? 'forecastOnly' : 'sweepToo',
      what: `devices of ${policy.name}`,
      total: this.#stateOf(policy).atMost,
    })) {
      for (const item of items) {
        for (const id of deviceIdsOf(item).filter(policy.scope.mayMatchId)) {
          const device = toDevice(item, id);
          if (isSettled) {
            if (isKept) scope.add(id);
          } else if (scope.ask(device) === 'out') continue;
          if (present !== undefined && !present.has(id) && this.#planMissing(device, policy)) missing++;
        }
      }
    }
    this.calls.bulk = created + Math.ceil(missing / modulesPerCall);
  }

  #byId(other: Policy, policy: Policy): boolean {
    return other === policy || other.scope.byIdAlone;
  }

  #scopeOf(policy: Policy): KnownScope {
    const state = this.#stateOf(policy);
    state.scope ??= new KnownScope(policy, this.#salt);
    return state.scope;
  }

  /** Adds a device without the module. True where the module would be created. */
  #planMissing(device: Device, found: Policy): boolean {
    const { deviceId } = device;
    const isRepeated = this.#planned.has(deviceId);
    this.#planned.add(deviceId);
    const policies = this.#dependencies.policies.map((policy) =>
      policy === found && !policy.scope.byIdAlone ? this.#scopeOf(policy).asPolicy() : policy,
    );
    const key = JSON.stringify(policies.map((policy) => applies(policy, device)));
    const { drifts, actions } = this.#missingPlans.get(key) ?? plan(policies, { device, twins: [this.#missingTwin()] });
    this.#missingPlans.set(key, { drifts, actions });
    const isCreated = actions.length > 0;
    // Whoever finds it again looks whether what was created is there.
    if (isRepeated ? isCreated : !this.#isTried(deviceId)) this.calls.twinRead++;
    if (!this.#concernedById(deviceId)) this.calls.twinRead++;
    if (isRepeated) return false;
    const mended = new Set(actions.flatMap(({ mends }) => mends));
    this.#add(deviceId, drifts, (drift) => (mended.has(drift) ? 'create' : this.#recordedFor(drift)));
    return isCreated;
  }

  /** Whether some policy may create the module, which would show that it is there; otherwise it is looked for before it is recorded. */
  #isTried(deviceId: string): boolean {
    return this.#dependencies.policies.some(
      ({ createModule, mode, scope }) => createModule && mode === 'enforce' && scope.mayMatchId(deviceId),
    );
  }

  #missingTwin() {
    const { moduleId, clock } = this.#dependencies;
    const since = { version: 0, at: clock.now().toISOString(), exact: false };
    return { moduleId, missing: true as const, write: since };
  }

  /** Finds the twins that depart from a policy: by query or, where queries cannot say it, one after the other. */
  async #lookAtTwins(policy: Policy): Promise<void> {
    const { walk } = compileRules(policy);
    if (walk !== undefined) return this.#walkTwins(policy, walk);
    try {
      for (const query of brokenModulesQueries(policy)) await this.#planTwins(policy, asTwins(query), () => true);
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error;
      await this.#walkTwins(policy, `The query for ${policy.name} does not do: ${error.message}`);
    }
  }

  async #walkTwins(policy: Policy, why: string): Promise<void> {
    this.#stateOf(policy).walked = why;
    await this.#planTwins(policy, twinsQuery(policy), (twin, at) => isOutOfLine(policy, twin, at));
  }

  /** Plans each twin that a query gives. `isSuspect`: whether a sweep would have it looked at again, and so read. */
  async #planTwins(policy: Policy, query: string, isSuspect: (twin: Twin, at: string) => boolean): Promise<void> {
    const { questions, moduleId, clock } = this.#dependencies;
    const what = `${moduleId === '' ? 'devices' : 'modules'} that may break ${policy.name}`;
    for await (const items of questions.pages(query, { asker: 'sweepToo', what })) {
      if (items.length > 0) await this.#knowScopes();
      const at = clock.now().toISOString();
      for (const item of items) {
        for (const id of deviceIdsOf(item).filter(policy.scope.mayMatchId)) {
          const twin = this.#planned.has(id) ? undefined : toTwin(item, id, moduleId);
          if (twin !== undefined) await this.#planTwin(twin, item, at, () => isSuspect(twin, at));
        }
      }
    }
  }

  /** Modules' twins do not show whether a policy is about their device. */
  async #knowScopes(): Promise<void> {
    if (this.#dependencies.moduleId === '') return;
    for (const [policy, { scope }] of this.#states) {
      if (!policy.scope.byIdAlone && scope === undefined) await this.#walkDevices(policy);
    }
  }

  async #planTwin(twin: Twin, item: JsonObject, at: string, isSuspect: () => boolean): Promise<void> {
    const { deviceId, moduleId } = twin;
    this.#planned.add(deviceId);
    const device = moduleId === '' ? toDevice(item, deviceId) : { deviceId, tags: {}, edge: false };
    const policies = moduleId === '' ? this.#dependencies.policies : this.#knownPolicies();
    const { drifts, actions } = plan(policies, { device, twins: [{ moduleId, twin }], at });
    const mends = actions.flatMap((action) => action.mends);
    const competing = await this.#guard.review(twin, mends);
    const changed = new Set(mends.filter((drift) => !competing.has(drift)));
    this.#add(deviceId, drifts, (drift) => {
      if (changed.has(drift)) return 'change';
      return competing.has(drift) ? 'competingConfiguration' : this.#recordedFor(drift);
    });
    if (drifts.length > 0 || isSuspect()) this.calls.twinRead += this.#concernedById(deviceId) ? 1 : 2;
    if (changed.size > 0) this.calls.twinUpdate++;
  }

  #knownPolicies(): readonly Policy[] {
    return [...this.#states].map(([policy, { scope }]) =>
      policy.scope.byIdAlone || scope === undefined ? policy : scope.asPolicy(),
    );
  }

  /** Whether no policy that may be about the device wants to know more of it than its id: its own twin need not be read. */
  #concernedById(deviceId: string): boolean {
    return this.#dependencies.policies.every(({ scope }) => scope.byIdAlone || !scope.mayMatchId(deviceId));
  }

  /** Why a departure that no action mends is recorded only. */
  #recordedFor({ kind, policy }: Departure): PlannedOutcome {
    if (kind === 'policyError' || kind === 'notReported') return kind;
    return this.#dependencies.policies.some(({ name, mode }) => name === policy && mode === 'audit')
      ? 'audit'
      : 'unmendable';
  }

  #add(deviceId: string, drifts: readonly Departure[], outcomeOf: (drift: Departure) => PlannedOutcome): void {
    const byPolicy = Map.groupBy(drifts, ({ policy }) => policy);
    for (const [policy, { tally, scope }] of this.#states) {
      const its = byPolicy.get(policy.name);
      if (its === undefined) continue;
      tally.add(
        deviceId,
        its.map((drift) => [drift, outcomeOf(drift)] as const),
      );
      // Where it cannot be said whether a device is in the scope, it is not counted as one that is.
      if (!scope?.hasFailedOn(deviceId)) tally.outOfLine++;
    }
  }
}

/** A sweep hands out so many devices in one part, and a bulk call takes so many modules. */
const modulesPerCall = 100;

function applies(policy: Policy, device: Device): boolean | string {
  try {
    return policy.scope.matches(device);
  } catch {
    return 'fails';
  }
}
