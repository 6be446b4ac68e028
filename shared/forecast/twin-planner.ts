import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import type { BlastRadius, CompetingSetting } from '../guards/index.ts';
import type { IdSet } from '../id-set.ts';
import type { Device, Policy } from '../policy/index.ts';
import { type Plan, plan } from '../reconcile/index.ts';
import { toDevice } from '../sweep/index.ts';
import type { JsonObject, Twin } from '../twin/index.ts';
import { ForecastGuard } from './forecast-guard.ts';
import type { PlannedOutcome, PolicyCounts } from './policy-counts.ts';
import type { BlastRadiusForecast } from './result.ts';
import type { ScopeMembers } from './scope-members.ts';

/** The forecast of one policy while the forecast is running. */
export interface PolicyState {
  readonly counts: PolicyCounts;
  /** The devices in the scope. Absent until the forecast lists them. */
  members: ScopeMembers | undefined;
  /** Number of devices in the scope. */
  devices: number;
  /** Largest number of devices that a query for the policy's devices can return. `undefined` where no count is known. */
  maxDevices: number | undefined;
  /** Why the forecast read all twins of the policy. `undefined` where the forecast did not need to read all twins. */
  walked: string | undefined;
}

export interface TwinPlannerDependencies {
  readonly moduleId: string;
  /** All policies for this module, each with its forecast so far. */
  readonly states: ReadonlyMap<Policy, PolicyState>;
  /** Empty at first. The planner adds the id of each device that it plans. */
  readonly planned: IdSet;
  /** Empty at first. The planner adds the id of each planned device whose twin a sweep would read. */
  readonly read: IdSet;
  readonly competing: readonly CompetingSetting[];
  readonly limit: BlastRadius;
  readonly clock: Clock;
}

/**
 * Plans the twins of one module, one at a time, with the reconciler's code. Counts the planned changes, and the hub calls that a sweep
 * would make.
 */
export class TwinPlanner {
  readonly #dependencies: TwinPlannerDependencies;
  readonly #policies: readonly Policy[];
  readonly #guard: ForecastGuard;
  /** Plans for a missing module. The key lists which policies apply to the device, because such a plan depends on nothing else. */
  readonly #missingPlans = new Map<string, Plan>();
  /** The ids of the planned devices whose twins a sweep would read. */
  readonly #read: IdSet;
  readonly calls: { twinRead: number; twinUpdate: number; readonly creations: number[] } = {
    twinRead: 0,
    twinUpdate: 0,
    creations: [],
  };

  constructor(dependencies: TwinPlannerDependencies) {
    this.#dependencies = dependencies;
    const { states, read, competing, limit, clock } = dependencies;
    this.#read = read;
    this.#policies = [...states.keys()];
    const byName = new Map([...states].map(([policy, state]) => [policy.name, state]));
    this.#guard = new ForecastGuard({
      competing,
      limit,
      clock,
      deviceCount: (name) => byName.get(name)?.devices ?? 0,
    });
  }

  /** Whether the device was planned, and all hub calls of its plan are counted. */
  isCounted(deviceId: string): boolean {
    return this.#read.has(deviceId);
  }

  /** Returns the twins of a policy that count against its blast radius so far, or `undefined` where there is none. */
  blastRadius(policy: Policy): BlastRadiusForecast | undefined {
    return this.#guard.blastRadius(policy.name);
  }

  /**
   * Plans a device that lacks the module. Counts the plan only if the device was not planned before. Returns true if this call plans to
   * create the module. `found`: the policy whose devices were listed. `members`: the devices in the scope of that policy.
   */
  planMissing(device: Device, found: Policy, members: ScopeMembers): boolean {
    const { planned } = this.#dependencies;
    const { deviceId } = device;
    const isRepeated = planned.has(deviceId);
    planned.add(deviceId);
    this.#read.add(deviceId);
    const policies = this.#policies.map((policy) =>
      policy === found && !policy.scope.usesIdOnly ? members.asPolicy() : policy,
    );
    const key = JSON.stringify(policies.map((policy) => applies(policy, device)));
    const { drifts, actions } = this.#missingPlans.get(key) ?? plan(policies, { device, twins: [this.#missingTwin()] });
    this.#missingPlans.set(key, { drifts, actions });
    const isCreated = actions.length > 0;
    // A sweep queues the device once for each policy that creates the module. The second work item reads the module that the first one
    // created.
    if (isRepeated ? isCreated : !this.#triesToCreate(deviceId)) this.calls.twinRead++;
    if (!this.#needsOnlyId(deviceId)) this.calls.twinRead++;
    if (isRepeated) return false;
    const repaired = new Set(actions.flatMap(({ repairs }) => repairs));
    this.#count(deviceId, drifts, (drift) => (repaired.has(drift) ? 'create' : this.#recordedReason(drift)));
    return isCreated;
  }

  /**
   * Plans the changes of a twin, and counts them. Plans each twin only once: the next policy that finds the twin can only add the read. `isSuspect`:
   * whether a sweep would read the twin even if the twin has no drift.
   */
  async planTwin(twin: Twin, item: JsonObject, at: string, isSuspect: () => boolean): Promise<void> {
    const { deviceId } = twin;
    const { planned } = this.#dependencies;
    const hasDrift = !planned.has(deviceId) && (await this.#planChanges(twin, item, at));
    planned.add(deviceId);
    if (!hasDrift && !isSuspect()) return;
    this.#read.add(deviceId);
    this.calls.twinRead += this.#needsOnlyId(deviceId) ? 1 : 2;
  }

  /** Plans the changes of a twin, and counts them. Returns whether the twin has drift. */
  async #planChanges(twin: Twin, item: JsonObject, at: string): Promise<boolean> {
    const { deviceId, moduleId } = twin;
    const device = moduleId === '' ? toDevice(item, deviceId) : { deviceId, tags: {}, edge: false };
    const policies = moduleId === '' ? this.#policies : this.#policiesByMembers();
    const { drifts, actions } = plan(policies, { device, twins: [{ moduleId, twin }], at });
    const repairs = actions.flatMap((action) => action.repairs);
    const competing = await this.#guard.review(twin, repairs);
    const changed = new Set(repairs.filter((drift) => !competing.has(drift)));
    this.#count(deviceId, drifts, (drift) => {
      if (changed.has(drift)) return 'change';
      return competing.has(drift) ? 'competingConfiguration' : this.#recordedReason(drift);
    });
    if (changed.size > 0) this.calls.twinUpdate++;
    return drifts.length > 0;
  }

  /** Whether a sweep would create the module without reading it first. Otherwise the sweep reads the module before it records the drift. */
  #triesToCreate(deviceId: string): boolean {
    return this.#policies.some(
      ({ createModule, mode, scope }) => createModule && mode === 'enforce' && scope.mayMatchId(deviceId),
    );
  }

  #missingTwin() {
    const { moduleId, clock } = this.#dependencies;
    const write = { version: 0, at: clock.now().toISOString(), exact: false };
    return { moduleId, missing: true as const, write };
  }

  /** Returns the policies with other scopes. Those scopes test the list of devices in the scope instead of the device's tags. */
  #policiesByMembers(): readonly Policy[] {
    return [...this.#dependencies.states].map(([policy, { members }]) =>
      policy.scope.usesIdOnly || members === undefined ? policy : members.asPolicy(),
    );
  }

  /** Whether the device id alone decides which policies apply. Otherwise a sweep also reads the device's own twin. */
  #needsOnlyId(deviceId: string): boolean {
    return this.#policies.every(({ scope }) => scope.usesIdOnly || !scope.mayMatchId(deviceId));
  }

  /** Returns why a sweep only records a departure that it does not repair. */
  #recordedReason({ kind, policy }: Departure): PlannedOutcome {
    if (kind === 'policyError' || kind === 'notReported') return kind;
    return this.#policies.some(({ name, mode }) => name === policy && mode === 'audit') ? 'audit' : 'unmendable';
  }

  #count(deviceId: string, drifts: readonly Departure[], outcomeOf: (drift: Departure) => PlannedOutcome): void {
    const byPolicy = Map.groupBy(drifts, ({ policy }) => policy);
    for (const [policy, { counts, members }] of this.#dependencies.states) {
      const departures = byPolicy.get(policy.name);
      if (departures === undefined) continue;
      counts.add(
        deviceId,
        departures.map((departure) => [departure, outcomeOf(departure)] as const),
      );
      // If the scope's function throws for a device, the device does not count as in the scope. So its drift must not count there either.
      if (!members?.hasFailedOn(deviceId)) counts.outOfLine++;
    }
  }
}

function applies(policy: Policy, device: Device): boolean | string {
  try {
    return policy.scope.matches(device);
  } catch {
    return 'fails';
  }
}
