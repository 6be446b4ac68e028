/**
 * The policies of the tests. Tests use them instead of the deployed list `functions/policies/index.ts`, so a change of that list does not
 * break the tests. The policies have the names and modules of the built-in policies, but only the properties that tests use.
 *
 * {@link buildOwnProject} copies this file to `functions/policies/index.ts` of another project. So this file imports only `shared/policy`.
 */
import { absent, between, byDefault, definePolicy, oneOf, type PolicyDefinition } from '../../shared/policy/index.ts';

const securityAgent = definePolicy({
  name: 'azureiotsecurity',
  description: 'A security agent that reports every setting',
  module: 'azureiotsecurity',
  createModule: true,
  moduleTags: { securityGroup: 'default' },
  desired: {
    'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration': {
      snapshotFrequency: { value: 'PT13H' },
      maxMessageSizeInBytes: { value: 204_800 },
      eventPriorityLogin: { value: 'High' },
      aggregationEnabledProcessCreate: { value: true },
    },
  },
  reported: { mirrors: true, graceMinutes: 60 },
});

const microAgent = definePolicy({
  name: 'defender-micro-agent',
  description: 'A security agent that reports whether it took its configuration',
  module: 'DefenderIotMicroAgent',
  createModule: true,
  desired: {
    CollectorsCore_PriorityIntervals: byDefault('30,120,1440'),
    IothubModule_MessageTimeout: between(60, 2880, { otherwise: 2880 }),
    Baseline_GroupsDisabled: '',
    Baseline_ChecksDisabled: '',
    FileSystem_Paths: absent(),
    Login_MessageFrequency: oneOf(['High', 'Medium'], { otherwise: 'Medium' }),
    Login_UsePAM: false,
    Process_CacheSize: 256,
    Process_Disabled: false,
    Process_Mode: 1,
    SBoM_Disabled: false,
    Statistics_CacheSize: 256,
  },
  reported: { failure: { path: 'latest_state', value: 'failed', fields: 'latest_invalid_fields' }, graceMinutes: 60 },
});

export const policies: readonly PolicyDefinition[] = [securityAgent, microAgent];
