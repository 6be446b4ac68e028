import { absent, between, byDefault, definePolicy, oneOf } from '../../shared/policy/index.ts';

/** The collectors with the vendor's default for the frequency of their messages. */
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

/** The rules for one collector: it must be enabled, and must send as often as by default or more often. */
function collector([name, frequency]: readonly [string, 'Low' | 'Medium']) {
  const mediumOrHigher = ['High', 'Medium'];
  return [
    [`${name}_Disabled`, false],
    [
      `${name}_MessageFrequency`,
      oneOf(frequency === 'Low' ? [...mediumOrHigher, 'Low'] : mediumOrHigher, { otherwise: frequency }),
    ],
  ] as const;
}

export default definePolicy({
  name: 'defender-micro-agent',
  description: 'Defender for IoT micro agent, vendor defaults',
  module: 'DefenderIotMicroAgent',
  createModule: true,
  desired: {
    // Minutes between messages of high, medium and low priority. Each is a multiple of the one before. Sites change these values.
    CollectorsCore_PriorityIntervals: byDefault('30,120,1440'),
    IothubModule_MessageTimeout: between(60, 2880, { otherwise: 2880 }),
    ...Object.fromEntries(Object.entries(messageFrequency).flatMap(collector)),
    Baseline_GroupsDisabled: '',
    Baseline_ChecksDisabled: '',
    Login_UsePAM: false,
    // The names of network interfaces differ between devices.
    NetworkActivity_Devices: byDefault('eth0'),
    NetworkActivity_CacheSize: 256,
    NetworkActivity_PacketBufferSize: 2_097_152,
    Process_PollingInterval: 100_000,
    // 1 is auto, 2 is netlink, 3 is polling.
    Process_Mode: 1,
    Process_CacheSize: 256,
    // The default is null, which means "absent" in a twin.
    FileSystem_Paths: absent(),
    FileSystem_Recursive: true,
    FileSystem_CacheSize: 256,
    Peripheral_CacheSize: 256,
    Statistics_CacheSize: 256,
  },
  // The agent reports `success`, or `failed` with the names of the wrong fields.
  reported: { failure: { path: 'latest_state', value: 'failed', fields: 'latest_invalid_fields' }, graceMinutes: 60 },
});
