import { describe, expect, it } from 'vitest';
import azureiotsecurity from '../../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../../functions/policies/defender-micro-agent.ts';
import { baselineOf, toPolicySet } from '../../../shared/policy/index.ts';
import type { Json } from '../../../shared/twin/index.ts';

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

  it('are found as owners of their properties', () => {
    const owners = set.ownersOf('DefenderIotMicroAgent', 'Process_Mode');
    expect(owners.map(({ policy, property }) => [policy.name, property.text])).toEqual([
      ['defender-micro-agent', 'Process_Mode'],
    ]);
    expect(set.ownersOf('DefenderIotMicroAgent', 'constructor')).toEqual([]);
    expect(set.ownersOf('constructor', 'Process_Mode')).toEqual([]);
  });
});
