import { atLeast, between, byDefault, definePolicy, oneOf } from '../../shared/policy/index.ts';

/** The agent's collectors. The value is the vendor's default for how often the collector sends messages. */
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

/** The rules for one collector. The collector must be enabled, and must send messages at least as often as the default. */
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
    // Minutes between two messages of high, of medium and of low priority. Each number is a multiple of the number before. Sites may set
    // other values.
    CollectorsCore_PriorityIntervals: byDefault('30,120,1440'),
    // Minutes. A longer time loses fewer messages.
    IothubModule_MessageTimeout: atLeast(60, { otherwise: 2880 }),
    ...Object.fromEntries(Object.entries(messageFrequency).flatMap(collector)),
    Baseline_GroupsDisabled: '',
    Baseline_ChecksDisabled: '',
    // Devices without UTMP or syslog need PAM as the source of logins.
    Login_UsePAM: byDefault(false),
    // Devices have network interfaces with different names, so `eth0` is only the default.
    NetworkActivity_Devices: byDefault('eth0'),
    // Larger caches and buffers lose fewer events.
    NetworkActivity_CacheSize: atLeast(256),
    NetworkActivity_PacketBufferSize: atLeast(2_097_152),
    // Microseconds. A shorter interval finds more processes.
    Process_PollingInterval: between(1, 100_000, { otherwise: 100_000 }),
    // The modes are 1 (auto), 2 (netlink) and 3 (polling). Polling misses processes that end soon, so only auto may choose polling.
    Process_Mode: oneOf([1, 2], { otherwise: 1 }),
    Process_CacheSize: atLeast(256),
    // The policy has no rule for `FileSystem_Paths`: the vendor's default watches no path, and sites add theirs.
    FileSystem_Recursive: true,
    FileSystem_CacheSize: atLeast(256),
    Peripheral_CacheSize: atLeast(256),
    Statistics_CacheSize: atLeast(256),
  },
  // The agent reports `success`, or `failed` together with the names of the wrong fields.
  reported: { failure: { path: 'latest_state', value: 'failed', fields: 'latest_invalid_fields' }, graceMinutes: 60 },
});
