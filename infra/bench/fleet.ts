/** A fleet for the benches of the sweep: devices with the modules of the built-in policies, as they are when all is well, and ways to break them. */
import azureiotsecurity from '../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../functions/policies/defender-micro-agent.ts';
import { baselineOf, type PolicySet, toPolicySet } from '../../shared/policy/index.ts';
import type { JsonObject } from '../../shared/twin/index.ts';

/** The built-in policies. The measurements use these whatever the deployed list holds. */
export const policies: PolicySet = toPolicySet([azureiotsecurity, defenderMicroAgent], { mode: 'enforce' });

/** The id of the device with this number. Ids are as long as people make them: shorter ones would flatter memory. */
export function deviceIdOf(number: number): string {
  return `plant-${number % 17}-device-${String(number).padStart(6, '0')}`;
}

/** A module as its agent and the policies leave it: nothing is out of line with it. */
export interface FleetModule {
  readonly moduleId: string;
  readonly tags: JsonObject;
  readonly desired: JsonObject;
  readonly reported: JsonObject;
}

/** The modules of each device: one for each policy, configured as it wants, with an agent that took the configuration. */
export const fleetModules: readonly FleetModule[] = policies.all.map((policy) => {
  const desired = baselineOf(policy);
  const failure = policy.reported?.failure;
  return {
    moduleId: policy.module,
    tags: policy.moduleTags,
    desired,
    reported: {
      ...(policy.reported?.mirrors === true ? desired : {}),
      ...(failure === undefined ? {} : { [failure.path[0] ?? '']: 'success' }),
    },
  };
});

/** A module to be broken, and the patch of its desired properties that does it. */
export interface Breakage {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly patch: JsonObject;
}

const agent = 'azureiotsecurity';
const section = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const microAgent = 'DefenderIotMicroAgent';

/** One of each kind that a rule knows, some of them in two properties at once. */
const kinds: readonly (readonly [moduleId: string, patch: JsonObject])[] = [
  [agent, { [section]: { snapshotFrequency: { value: 'PT1H' } } }],
  [microAgent, { Process_Mode: null }],
  [microAgent, { IothubModule_MessageTimeout: 5 }],
  [agent, { [section]: { eventPriorityLogin: { value: 'Off' }, aggregationEnabledProcessCreate: { value: false } } }],
  [microAgent, { FileSystem_Paths: '/etc' }],
  [microAgent, { Process_CacheSize: '256' }],
  [agent, { [section]: { maxMessageSizeInBytes: null } }],
  [microAgent, { Process_Disabled: true, Login_UsePAM: true }],
  [microAgent, { Login_MessageFrequency: 'Never', FileSystem_Paths: { first: '/etc' } }],
  [agent, { [section]: null }],
];

/** So many broken modules, spread evenly over a fleet of `devices`, each on a device of its own. @throws {RangeError} when it is too small. */
export function breakages(count: number, devices: number): readonly Breakage[] {
  if (count > devices) {
    throw new RangeError(`${count} broken modules need ${count} devices, and there are ${devices}.`);
  }
  return Array.from({ length: count }, (_, index) => {
    const [moduleId, patch] = kinds[index % kinds.length] ?? [microAgent, {}];
    return { deviceId: deviceIdOf(Math.floor((index * devices) / count)), moduleId, patch };
  });
}
