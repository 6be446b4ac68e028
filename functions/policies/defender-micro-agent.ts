import { absent, between, byDefault, definePolicy, oneOf } from '../../shared/policy/index.ts';

/** Each collector's vendor default: how often its messages go out. */
const messageFrequency = {
  Baseline: 'Low',
  SystemInformation: 'Low',
  SBoM: 'Low',
  Heartbeat: 'Low',
  Login: 'Medium',
  NetworkActivity: 'Medium',
  Process: 'Medium',
  LogCollector: 'Low',
  FileSystem: 'Low',
  Peripheral: 'Low',
  Statistics: 'Low',
} as const;

/** A collector must be on, and must send as often as the vendor's default or more often. */
function collector([name, frequency]: readonly [string, 'Low' | 'Medium']) {
  const often = ['High', 'Medium'];
  return [
    [`${name}_Disabled`, false],
    [`${name}_MessageFrequency`, oneOf(frequency === 'Low' ? [...often, 'Low'] : often, { otherwise: frequency })],
  ] as const;
}

export default definePolicy({
  name: 'defender-micro-agent',
  description: 'Defender for IoT micro agent, vendor defaults',
  module: 'DefenderIotMicroAgent',
  createModule: true,
  desired: {
    // Minutes for high, medium and low priority; sites tune them, each a multiple of the one before.
    CollectorsCore_PriorityIntervals: byDefault('30,120,1440'),
    IothubModule_MessageTimeout: between(60, 2880, { otherwise: 2880 }),
    ...Object.fromEntries(Object.entries(messageFrequency).flatMap(collector)),
    Baseline_GroupsDisabled: '',
    Baseline_ChecksDisabled: '',
    Login_UsePAM: false,
    // The interfaces' names are the device's own matter.
    NetworkActivity_Devices: byDefault('eth0'),
    NetworkActivity_CacheSize: 256,
    NetworkActivity_PacketBufferSize: 2_097_152,
    Process_PollingInterval: 100_000,
    // 1 auto, 2 netlink, 3 polling.
    Process_Mode: 1,
    Process_CacheSize: 256,
    // Its default is null, which in a twin means that it is not there.
    FileSystem_Paths: absent(),
    FileSystem_Recursive: true,
    FileSystem_CacheSize: 256,
    Peripheral_CacheSize: 256,
    Statistics_CacheSize: 256,
  },
  // The agent reports `success` or `failed`, and the fields at fault.
  reported: { failure: { path: 'latest_state', value: 'failed', fields: 'latest_invalid_fields' }, graceMinutes: 60 },
});
