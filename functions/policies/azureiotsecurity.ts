import { definePolicy } from '../../shared/policy/index.ts';

/** The key in the desired properties that holds the whole configuration of the agent. */
const configurationKey = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';

const vendorDefaults: Readonly<Record<string, string | number | boolean>> = {
  highPriorityMessageFrequency: 'PT7M',
  lowPriorityMessageFrequency: 'PT5H',
  snapshotFrequency: 'PT13H',
  maxLocalCacheSizeInBytes: 2_560_000,
  maxMessageSizeInBytes: 204_800,
  eventPriorityConnectedHardware: 'Low',
  eventPriorityListeningPorts: 'High',
  eventPriorityProcessCreate: 'Low',
  eventPriorityProcessTerminate: 'Low',
  eventPrioritySystemInformation: 'Low',
  eventPriorityLocalUsers: 'High',
  eventPriorityLogin: 'High',
  eventPriorityConnectionCreate: 'Low',
  eventPriorityFirewallConfiguration: 'Low',
  eventPriorityOSBaseline: 'Low',
  // The vendor's script sets `Low`, but the vendor's guide says `Off`. `Low` is used here because real fleets were set up with the script.
  eventPriorityDiagnostic: 'Low',
  eventPriorityConfigurationError: 'Low',
  eventPriorityDroppedEventsStatistics: 'Low',
  eventPriorityMessageStatistics: 'Low',
  aggregationEnabledProcessCreate: true,
  aggregationEnabledConnectionCreate: true,
  aggregationEnabledProcessTerminate: true,
  aggregationIntervalProcessCreate: 'PT1H',
  aggregationIntervalConnectionCreate: 'PT1H',
  aggregationIntervalProcessTerminate: 'PT1H',
};

export default definePolicy({
  name: 'azureiotsecurity',
  description: 'Security agent of Azure Security Center for IoT (C and C#), vendor defaults',
  module: 'azureiotsecurity',
  createModule: true,
  moduleTags: { securityGroup: 'default' },
  desired: {
    // The agent expects each setting as an object of the form `{ value }`, not as a plain value.
    [configurationKey]: Object.fromEntries(
      Object.entries(vendorDefaults).map(([setting, value]) => [setting, { value }]),
    ),
  },
  // The agent reports every setting that it uses. When a reported setting differs, the agent has not read or not applied the desired
  // setting.
  reported: { mirrors: true, graceMinutes: 60 },
});
