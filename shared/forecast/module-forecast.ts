import type { Clock } from '../clock.ts';
import type { BlastRadius, CompetingSetting } from '../guards/index.ts';
import { IdSet } from '../id-set.ts';
import type { Policy } from '../policy/index.ts';
import { isOutOfLine } from '../reconcile/index.ts';
import {
  countsAreComparable,
  deviceIdsOf,
  idsSuffice,
  QueryRefused,
  toDevice,
  toProjectedTwin,
} from '../sweep/index.ts';
import {
  allDevicesQuery,
  brokenModulesQueries,
  compileRules,
  compileScope,
  countDevicesByIdQuery,
  countDevicesQuery,
  countModulesQuery,
  devicesQuery,
  modulesQuery,
  twinColumns,
  twinsQuery,
  withColumns,
} from '../sweep/where/index.ts';
import type { Twin } from '../twin/index.ts';
import type { HubQueries } from './hub-queries.ts';
import { PolicyCounts } from './policy-counts.ts';
import type { PolicyForecast } from './result.ts';
import { ScopeMembers } from './scope-members.ts';
import { type PolicyState, TwinPlanner } from './twin-planner.ts';

export interface ModuleForecastDependencies {
  /** Name of the module. `''` means the device's own twin. */
  readonly moduleId: string;
  /** All policies for this module. A sweep combines the changes of these policies in one patch of the twin. */
  readonly policies: readonly Policy[];
  readonly queries: HubQueries;
  readonly competing: readonly CompetingSetting[];
  readonly limit: BlastRadius;
  readonly clock: Clock;
}

const noDevices =
  'No device of the hub is in the scope of the policy. Check appliesTo: tags, their values and device ids are case-sensitive.';

/**
 * The forecast for one module on all devices, or for all devices' own twins. Finds the twins that break a policy, and plans their changes.
 */
export class ModuleForecast {
  readonly #dependencies: ModuleForecastDependencies;
  readonly #states: ReadonlyMap<Policy, PolicyState>;
  readonly #planner: TwinPlanner;
  readonly #salt = crypto.randomUUID();

  constructor(dependencies: ModuleForecastDependencies) {
    this.#dependencies = dependencies;
    const { moduleId, policies, competing, limit, clock } = dependencies;
    this.#states = new Map(
      policies.map((policy) => [
        policy,
        { counts: new PolicyCounts(), members: undefined, devices: 0, maxDevices: undefined, walked: undefined },
      ]),
    );
    const [planned, read] = [new IdSet(this.#salt), new IdSet(this.#salt)];
    this.#planner = new TwinPlanner({ moduleId, states: this.#states, planned, read, competing, limit, clock });
  }

  /** Queries the hub, and plans the changes of all twins that break a policy. */
  async run(): Promise<void> {
    const { policies } = this.#dependencies;
    for (const policy of policies) await this.#countDevices(policy);
    for (const policy of policies) await this.#findDepartures(policy);
  }

  /** Number of hub calls that a sweep would make to repair this module on all devices. */
  get calls(): TwinPlanner['calls'] {
    return this.#planner.calls;
  }

  resultFor(policy: Policy): PolicyForecast {
    const { counts, devices, members, walked } = this.#stateOf(policy);
    const blastRadius = this.#planner.blastRadius(policy);
    return {
      policy: policy.name,
      module: policy.module,
      mode: policy.mode,
      devices,
      ...(devices === 0 && !members?.hasFailed ? { warning: noDevices } : {}),
      compliant: Math.max(0, devices - counts.outOfLine),
      modulesToCreate: counts.create,
      propertiesToChange: counts.change,
      changes: counts.changes(),
      recorded: counts.recorded(),
      ...(blastRadius === undefined ? {} : { blastRadius }),
      examples: counts.examples(),
      ...(walked === undefined ? {} : { walked }),
    };
  }

  #stateOf(policy: Policy): PolicyState {
    const state = this.#states.get(policy);
    if (state === undefined) throw new Error(`The policy ${policy.name} is about another module.`);
    return state;
  }

  #membersOf(policy: Policy): ScopeMembers {
    const state = this.#stateOf(policy);
    state.members ??= new ScopeMembers(policy, this.#salt);
    return state.members;
  }

  /** Counts a policy's devices. Plans a new module for each device that lacks the policy's module. */
  async #countDevices(policy: Policy): Promise<void> {
    const { queries } = this.#dependencies;
    const state = this.#stateOf(policy);
    const counted = await queries.count(countDevicesQuery(policy));
    state.maxDevices = counted;
    const isExact = counted !== undefined && compileScope(policy).exact;
    if (isExact) state.devices = counted;
    const modules = policy.createModule ? await queries.count(countModulesQuery(policy)) : undefined;
    const present = (await this.#mayMissModules(policy, counted, modules))
      ? await this.#listModules(policy, modules)
      : undefined;
    if (isExact && present === undefined) return;
    await this.#walkDevices(policy, present);
    if (!isExact) state.devices = this.#membersOf(policy).size;
  }

  /** Whether a device in the scope may lack the module. Compares the number of devices with the number of modules. */
  async #mayMissModules(policy: Policy, devices: number | undefined, modules: number | undefined): Promise<boolean> {
    if (!policy.createModule) return false;
    if (modules === undefined) return true;
    if (countsAreComparable(policy)) return modules !== devices;
    return modules !== (await this.#dependencies.queries.count(countDevicesByIdQuery(policy)));
  }

  /** Returns the ids of the devices that have the module. */
  async #listModules(policy: Policy, total: number | undefined): Promise<IdSet> {
    const present = new IdSet(this.#salt);
    const options = { neededBy: 'sweep', what: `modules of ${policy.name}`, total } as const;
    for await (const items of this.#dependencies.queries.pages(modulesQuery(policy), options)) {
      for (const id of items.flatMap(deviceIdsOf)) present.add(id);
    }
    return present;
  }

  /**
   * Lists a policy's devices. `present`: the ids of devices that have the module. A device whose id is not in `present` lacks the module,
   * and gets a plan. Without `present`, no device gets a plan.
   */
  async #walkDevices(policy: Policy, present?: IdSet): Promise<void> {
    const onlyIds = idsSuffice(policy);
    // The scope of another policy for the same module may test tags or IoT Edge, which are not in the device id.
    const othersNeedScope = this.#dependencies.policies.some((other) => other !== policy && !other.scope.usesIdOnly);
    const needsScope = !onlyIds || (present !== undefined && othersNeedScope);
    try {
      await this.#readDevices(policy, devicesQuery(policy, needsScope), onlyIds, present);
    } catch (error) {
      // Like a sweep, read all devices when the hub refuses the scope.
      if (!(error instanceof QueryRefused) || compileScope(policy).condition === '') throw error;
      await this.#readDevices(policy, allDevicesQuery, policy.scope.usesIdOnly, present);
    }
  }

  /** Reads the devices that a query returns. `isScopeTested`: whether the query and the device id together test the whole scope. */
  async #readDevices(policy: Policy, query: string, isScopeTested: boolean, present?: IdSet): Promise<void> {
    const { queries } = this.#dependencies;
    const members = this.#membersOf(policy);
    const needsMembers = !policy.scope.usesIdOnly || !compileScope(policy).exact;
    let missing = 0;
    for await (const items of queries.pages(query, {
      neededBy: present === undefined ? 'forecastOnly' : 'sweep',
      what: `devices of ${policy.name}`,
      total: this.#stateOf(policy).maxDevices,
    })) {
      for (const item of items) {
        for (const id of deviceIdsOf(item).filter(policy.scope.mayMatchId)) {
          const device = toDevice(item, id);
          if (isScopeTested) {
            if (needsMembers) members.add(id);
          } else if (members.test(device) === 'out') continue;
          if (present !== undefined && !present.has(id) && this.#planner.planMissing(device, policy, members)) {
            missing++;
          }
        }
      }
    }
    this.calls.creations.push(missing);
  }

  /**
   * Plans the twins that depart from a policy. Finds these twins by queries. Reads all twins of the policy where queries do not suffice.
   */
  async #findDepartures(policy: Policy): Promise<void> {
    const { walkReason } = compileRules(policy);
    if (walkReason !== undefined) return this.#walkTwins(policy, walkReason);
    try {
      for (const query of brokenModulesQueries(policy)) {
        await this.#planTwins(policy, query, () => true);
      }
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error;
      await this.#walkTwins(policy, `The query for the policy ${policy.name} failed. ${error.message}`);
    }
  }

  async #walkTwins(policy: Policy, reason: string): Promise<void> {
    this.#stateOf(policy).walked = reason;
    await this.#planTwins(policy, twinsQuery(policy), (twin, at) => isOutOfLine(policy, twin, at));
  }

  /** Plans each twin that a query returns. `isSuspect`: whether a sweep would queue the twin in a work item, and so read the twin again. */
  async #planTwins(policy: Policy, query: string, isSuspect: (twin: Twin, at: string) => boolean): Promise<void> {
    const { policies } = this.#dependencies;
    try {
      // The plan of a twin needs what any policy of the module reads.
      await this.#planResults(policy, withColumns(query, twinColumns(policies)), isSuspect);
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error;
      await this.#planResults(policy, withColumns(query, '*'), isSuspect);
    }
  }

  async #planResults(policy: Policy, query: string, isSuspect: (twin: Twin, at: string) => boolean): Promise<void> {
    const { queries, moduleId, clock } = this.#dependencies;
    const what = `${moduleId === '' ? 'devices' : 'modules'} that may break ${policy.name}`;
    for await (const items of queries.pages(query, { neededBy: 'sweep', what })) {
      if (items.length > 0) await this.#listScopes();
      const at = clock.now().toISOString();
      for (const item of items) {
        for (const id of deviceIdsOf(item).filter(policy.scope.mayMatchId)) {
          const twin = this.#planner.isCounted(id) ? undefined : toProjectedTwin(item, id, moduleId);
          if (twin !== undefined) await this.#planner.planTwin(twin, item, at, () => isSuspect(twin, at));
        }
      }
    }
  }

  /**
   * Lists the devices of each policy whose scope tests more than the device id. The twin of a module does not contain the tags of its
   * device.
   */
  async #listScopes(): Promise<void> {
    if (this.#dependencies.moduleId === '') return;
    for (const [policy, { members }] of this.#states) {
      if (!policy.scope.usesIdOnly && members === undefined) await this.#walkDevices(policy);
    }
  }
}
