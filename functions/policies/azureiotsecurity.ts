import { definePolicy } from '../../shared/policy/index.ts';

/** The one key under which the security agent looks for its configuration. */
const section = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';

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
  // The vendor's script says Low, its how-to says Off; the script is what fleets were given.
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
    // Every setting of this agent is an object with its value inside.
    [section]: Object.fromEntries(Object.entries(vendorDefaults).map(([setting, value]) => [setting, { value }])),
  },
  // The agent reports every setting that it runs with: one that differs, it could not read or not apply.
  reported: { mirrors: true, graceMinutes: 60 },
});
