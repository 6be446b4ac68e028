/** The fleet of the sweep benches: devices with the compliant modules of the built-in policies, and patches that cause drift. */
import azureiotsecurity from '../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../functions/policies/defender-micro-agent.ts';
import { baselineOf, type PolicySet, toPolicySet } from '../../shared/policy/index.ts';
import type { JsonObject } from '../../shared/twin/index.ts';

/** The built-in policies. The measurements use these whatever the deployed list holds. */
export const policies: PolicySet = toPolicySet([azureiotsecurity, defenderMicroAgent], { mode: 'enforce' });

/** The id of the device with this number. Ids have a realistic length, because short ids would make the memory figures too good. */
export function deviceIdOf(number: number): string {
  return `plant-${number % 17}-device-${String(number).padStart(6, '0')}`;
}

/** A compliant module. */
export interface FleetModule {
  readonly moduleId: string;
  readonly tags: JsonObject;
  readonly desired: JsonObject;
  readonly reported: JsonObject;
}

/** The modules of each device: one for each policy, with the policy's baseline, and reported properties of an agent that accepted it. */
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

/** A module, and a patch of its desired properties that causes drift. */
export interface Breakage {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly patch: JsonObject;
}

const securityAgent = 'azureiotsecurity';
const section = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const microAgent = 'DefenderIotMicroAgent';

/** Patches that cause every kind of drift. Some change two properties. */
const patches: readonly (readonly [moduleId: string, patch: JsonObject])[] = [
  [securityAgent, { [section]: { snapshotFrequency: { value: 'PT1H' } } }],
  [microAgent, { Process_Mode: null }],
  [microAgent, { IothubModule_MessageTimeout: 5 }],
  [
    securityAgent,
    { [section]: { eventPriorityLogin: { value: 'Off' }, aggregationEnabledProcessCreate: { value: false } } },
  ],
  [microAgent, { FileSystem_Paths: '/etc' }],
  [microAgent, { Process_CacheSize: '256' }],
  [securityAgent, { [section]: { maxMessageSizeInBytes: null } }],
  [microAgent, { Process_Disabled: true, Login_UsePAM: true }],
  [microAgent, { Login_MessageFrequency: 'Never', FileSystem_Paths: { first: '/etc' } }],
  [securityAgent, { [section]: null }],
];

/** `count` breakages on different devices, spread evenly over a fleet of `devices`. @throws {RangeError} if the fleet is too small. */
export function breakages(count: number, devices: number): readonly Breakage[] {
  if (count > devices) {
    throw new RangeError(`${count} broken modules need ${count} devices, and there are ${devices}.`);
  }
  return Array.from({ length: count }, (_, index) => {
    const [moduleId, patch] = patches[index % patches.length] ?? [microAgent, {}];
    return { deviceId: deviceIdOf(Math.floor((index * devices) / count)), moduleId, patch };
  });
}
