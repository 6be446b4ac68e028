/** The fleet for the benches of sweeps: devices with compliant modules of the built-in policies, and patches that cause drift. */
import azureiotsecurity from '../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../functions/policies/defender-micro-agent.ts';
import { baselineOf, type PolicySet, toPolicySet } from '../../shared/policy/index.ts';
import type { JsonObject } from '../../shared/twin/index.ts';

/** The built-in policies. The benches always use these policies, even if other policies are deployed. */
export const policies: PolicySet = toPolicySet([azureiotsecurity, defenderMicroAgent], { mode: 'enforce' });

/** The id of the device with this number. The ids are as long as those of a real fleet: short ids would need less memory. */
export function deviceIdOf(number: number): string {
  return `plant-${number % 17}-device-${String(number).padStart(6, '0')}`;
}

/** A module that is compliant with the policies. */
export interface FleetModule {
  readonly moduleId: string;
  readonly tags: JsonObject;
  readonly desired: JsonObject;
  readonly reported: JsonObject;
}

/**
 * The modules of each device: one module for each policy. The desired properties are the policy's baseline. The reported properties are
 * those of an agent that accepted the baseline.
 */
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

/** A module of one device, and a patch of the module's desired properties that causes drift. */
export interface Breakage {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly patch: JsonObject;
}

const securityAgent = 'azureiotsecurity';
const section = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const microAgent = 'DefenderIotMicroAgent';

/** Patches that cause wrong values, missing properties and a missing baseline. Some patches change two properties. */
const patches: readonly (readonly [moduleId: string, patch: JsonObject])[] = [
  [securityAgent, { [section]: { snapshotFrequency: { value: 'PT26H' } } }],
  [microAgent, { Process_Mode: null }],
  [microAgent, { IothubModule_MessageTimeout: 5 }],
  [securityAgent, { [section]: { eventPriorityLogin: { value: 'Off' }, eventPriorityOSBaseline: { value: 'Off' } } }],
  [microAgent, { Process_Mode: 3 }],
  [microAgent, { Process_CacheSize: '256' }],
  [securityAgent, { [section]: { maxMessageSizeInBytes: null } }],
  [microAgent, { Process_Disabled: true, Baseline_GroupsDisabled: 'network' }],
  [microAgent, { Login_MessageFrequency: 'Never', FileSystem_Recursive: { deep: true } }],
  [securityAgent, { [section]: null }],
];

/**
 * Returns `count` patches that cause drift, each for another device. The devices are spread evenly over a fleet of `devices` devices.
 * @throws {RangeError} If the fleet has fewer than `count` devices.
 */
export function breakages(count: number, devices: number): readonly Breakage[] {
  if (count > devices) {
    throw new RangeError(`${count} broken modules need ${count} devices, and there are ${devices}.`);
  }
  return Array.from({ length: count }, (_, index) => {
    const [moduleId, patch] = patches[index % patches.length] ?? [microAgent, {}];
    return { deviceId: deviceIdOf(Math.floor((index * devices) / count)), moduleId, patch };
  });
}
