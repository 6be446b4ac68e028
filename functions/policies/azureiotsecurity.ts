import {
  atLeast,
  between,
  byDefault,
  type DesiredRules,
  definePolicy,
  duration,
  oneOf,
} from '../../shared/policy/index.ts';

/** The key in the desired properties that holds the whole configuration of the agent. */
const configurationKey = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';

/** Allows this time or a shorter one: the agent must send at least as often as by the vendor's default. */
const everyOrSooner = (time: string) => duration({ atMost: time });

/** The priority of an event must be at least `Low`. `Off` would stop the event. */
const lowOrHigher = oneOf(['Low', 'High'], { otherwise: 'Low' });

/**
 * The vendor's defaults. The rules allow what strengthens the monitoring: shorter times, larger caches, higher priorities. The policy must
 * not undo such a setting.
 */
const rules: DesiredRules = {
  highPriorityMessageFrequency: everyOrSooner('PT7M'),
  lowPriorityMessageFrequency: everyOrSooner('PT5H'),
  snapshotFrequency: everyOrSooner('PT13H'),
  maxLocalCacheSizeInBytes: atLeast(2_560_000),
  // The agent accepts at most 262,144 bytes.
  maxMessageSizeInBytes: between(204_800, 262_144, { otherwise: 204_800 }),
  eventPriorityConnectedHardware: lowOrHigher,
  eventPriorityListeningPorts: 'High',
  eventPriorityProcessCreate: lowOrHigher,
  eventPriorityProcessTerminate: lowOrHigher,
  eventPrioritySystemInformation: lowOrHigher,
  eventPriorityLocalUsers: 'High',
  eventPriorityLogin: 'High',
  eventPriorityConnectionCreate: lowOrHigher,
  eventPriorityFirewallConfiguration: lowOrHigher,
  eventPriorityOSBaseline: lowOrHigher,
  // The vendor's script sets `Low`, but the vendor's guide says `Off`. `Low` is used here because real fleets were set up with the script.
  eventPriorityDiagnostic: lowOrHigher,
  eventPriorityConfigurationError: lowOrHigher,
  eventPriorityDroppedEventsStatistics: lowOrHigher,
  eventPriorityMessageStatistics: lowOrHigher,
  // Without aggregation, the agent sends each event on its own, which is more detailed. So `false` is allowed too.
  aggregationEnabledProcessCreate: byDefault(true),
  aggregationEnabledConnectionCreate: byDefault(true),
  aggregationEnabledProcessTerminate: byDefault(true),
  aggregationIntervalProcessCreate: everyOrSooner('PT1H'),
  aggregationIntervalConnectionCreate: everyOrSooner('PT1H'),
  aggregationIntervalProcessTerminate: everyOrSooner('PT1H'),
};

export default definePolicy({
  name: 'azureiotsecurity',
  description: 'Security agent of Azure Security Center for IoT (C and C#), vendor defaults',
  module: 'azureiotsecurity',
  createModule: true,
  moduleTags: { securityGroup: 'default' },
  desired: {
    // The agent expects each setting as an object of the form `{ value }`, not as a plain value.
    [configurationKey]: Object.fromEntries(Object.entries(rules).map(([setting, value]) => [setting, { value }])),
  },
  // The agent reports the settings that it uses. The C agent reports only some of them. When a reported setting differs, the agent has not
  // read or not applied the desired setting.
  reported: { mirrors: true, graceMinutes: 60 },
});
