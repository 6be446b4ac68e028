import { describe, expect, it } from 'vitest';
import azureiotsecurity from '../../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../../functions/policies/defender-micro-agent.ts';
import { baselineOf, checkValue, toPolicySet } from '../../../shared/policy/index.ts';
import { getAt, type Json, type Path, setAt } from '../../../shared/twin/index.ts';

describe('the built-in policies', () => {
  const builtIn = [azureiotsecurity, defenderMicroAgent];
  const set = toPolicySet(builtIn, { mode: 'enforce' });
  const named = (name: string) => {
    const policy = set.all.find((candidate) => candidate.name === name);
    if (policy === undefined) throw new Error(`There is no policy ${name}.`);
    return policy;
  };

  it('are valid together, in enforce mode and in audit mode', () => {
    expect(set.createdModules).toEqual(['azureiotsecurity', 'DefenderIotMicroAgent']);
    expect(toPolicySet(builtIn, { mode: 'audit' }).all.map(({ mode }) => mode)).toEqual(['audit', 'audit']);
  });

  it('give the security agent the vendor defaults', () => {
    const priorities = {
      High: ['ListeningPorts', 'LocalUsers', 'Login'],
      Low: [
        ...[
          'ConnectedHardware',
          'ProcessCreate',
          'ProcessTerminate',
          'SystemInformation',
          'ConnectionCreate',
          'FirewallConfiguration',
        ],
        ...['OSBaseline', 'Diagnostic', 'ConfigurationError', 'DroppedEventsStatistics', 'MessageStatistics'],
      ],
    };
    const settings: [string, Json][] = [
      ['highPriorityMessageFrequency', 'PT7M'],
      ['lowPriorityMessageFrequency', 'PT5H'],
      ['snapshotFrequency', 'PT13H'],
      ['maxLocalCacheSizeInBytes', 2560000],
      ['maxMessageSizeInBytes', 204800],
      ...Object.entries(priorities).flatMap(([priority, events]) =>
        events.map((event): [string, Json] => [`eventPriority${event}`, priority]),
      ),
      ...['ProcessCreate', 'ConnectionCreate', 'ProcessTerminate'].flatMap((event): [string, Json][] => [
        [`aggregationEnabled${event}`, true],
        [`aggregationInterval${event}`, 'PT1H'],
      ]),
    ];
    expect(baselineOf(named('azureiotsecurity'))).toEqual({
      'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration': Object.fromEntries(
        settings.map(([key, value]) => [key, { value }]),
      ),
    });
    expect(named('azureiotsecurity')).toMatchObject({ createModule: true, moduleTags: { securityGroup: 'default' } });
  });

  it('give the micro agent the vendor defaults', () => {
    const frequencies = {
      Low: [
        'Baseline',
        'SystemInformation',
        'SBoM',
        'Heartbeat',
        'LogCollector',
        'FileSystem',
        'Peripheral',
        'Statistics',
      ],
      Medium: ['Login', 'NetworkActivity', 'Process'],
    };
    const collectors = Object.entries(frequencies).flatMap(([frequency, names]) =>
      names.flatMap((name) => [
        [`${name}_Disabled`, false],
        [`${name}_MessageFrequency`, frequency],
      ]),
    );
    expect(baselineOf(named('defender-micro-agent'))).toEqual({
      ...Object.fromEntries(collectors),
      CollectorsCore_PriorityIntervals: '30,120,1440',
      IothubModule_MessageTimeout: 2880,
      Baseline_GroupsDisabled: '',
      Baseline_ChecksDisabled: '',
      Login_UsePAM: false,
      NetworkActivity_Devices: 'eth0',
      NetworkActivity_CacheSize: 256,
      NetworkActivity_PacketBufferSize: 2097152,
      Process_PollingInterval: 100000,
      Process_Mode: 1,
      Process_CacheSize: 256,
      FileSystem_Recursive: true,
      FileSystem_CacheSize: 256,
      Peripheral_CacheSize: 256,
      Statistics_CacheSize: 256,
    });
  });

  const section = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
  const agent = (setting: string, value: Json) => ['azureiotsecurity', [section, setting, 'value'], value] as const;
  const micro = (setting: string, value: Json) => ['defender-micro-agent', [setting], value] as const;
  const breachOf = (name: string, path: Path, value: Json | undefined) => {
    const policy = named(name);
    const desired = value === undefined ? baselineOf(policy) : setAt(baselineOf(policy), path, value);
    return policy.owned
      .filter(({ rule, path: owned }) => checkValue(rule, getAt(desired, owned)) !== undefined)
      .map(({ path: owned }) => (owned.at(-1) === 'value' ? owned.at(-2) : owned.at(-1)));
  };

  it.each([
    agent('highPriorityMessageFrequency', 'PT1M'),
    agent('highPriorityMessageFrequency', 'PT420S'),
    agent('lowPriorityMessageFrequency', 'PT30M'),
    agent('snapshotFrequency', 'PT780M'),
    agent('maxLocalCacheSizeInBytes', 10_000_000),
    agent('maxMessageSizeInBytes', 262_144),
    agent('eventPriorityProcessCreate', 'High'),
    agent('eventPriorityDiagnostic', 'High'),
    agent('aggregationEnabledProcessCreate', false),
    agent('aggregationIntervalConnectionCreate', 'PT5M'),
    micro('CollectorsCore_PriorityIntervals', '5,10,20'),
    micro('IothubModule_MessageTimeout', 10_080),
    micro('Baseline_MessageFrequency', 'High'),
    micro('Login_UsePAM', true),
    micro('NetworkActivity_Devices', 'eth0,wlan0'),
    micro('NetworkActivity_CacheSize', 1024),
    micro('NetworkActivity_PacketBufferSize', 4_194_304),
    micro('Process_PollingInterval', 50_000),
    micro('Process_Mode', 2),
    micro('Process_CacheSize', 1024),
    micro('FileSystem_Paths', '/etc,/usr/local/bin'),
    micro('FileSystem_CacheSize', 1024),
    micro('Peripheral_CacheSize', 512),
    micro('Statistics_CacheSize', 257),
  ])('leave alone what an operator strengthened: %s %s %j', (name, path, value) => {
    expect(breachOf(name, path, value)).toEqual([]);
  });

  it.each([
    agent('highPriorityMessageFrequency', 'PT8M'),
    agent('snapshotFrequency', 'P1D'),
    agent('maxLocalCacheSizeInBytes', 8192),
    agent('maxMessageSizeInBytes', 262_145),
    agent('eventPriorityLogin', 'Low'),
    agent('eventPriorityProcessCreate', 'Off'),
    agent('aggregationIntervalProcessCreate', 'PT2H'),
    micro('IothubModule_MessageTimeout', 59),
    micro('Process_Disabled', true),
    micro('Process_MessageFrequency', 'Low'),
    micro('Baseline_ChecksDisabled', '1.2'),
    micro('Process_PollingInterval', 0),
    micro('Process_PollingInterval', 200_000),
    micro('Process_Mode', 3),
    micro('FileSystem_Recursive', false),
    micro('FileSystem_CacheSize', 255),
  ])('set back what weakens the monitoring: %s %s %j', (name, path, value) => {
    expect(breachOf(name, path, value)).toEqual([path.length === 3 ? path[1] : path[0]]);
  });

  it('are found as owners of their properties', () => {
    const owners = set.ownersOf('DefenderIotMicroAgent', 'Process_Mode');
    expect(owners.map(({ policy, property }) => [policy.name, property.text])).toEqual([
      ['defender-micro-agent', 'Process_Mode'],
    ]);
    expect(set.ownersOf('DefenderIotMicroAgent', 'constructor')).toEqual([]);
    expect(set.ownersOf('constructor', 'Process_Mode')).toEqual([]);
  });
});
