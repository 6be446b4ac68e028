import { describe, expect, it } from 'vitest';
import { knownSettingNames, readSettings, SettingsError } from '../../functions/settings.ts';

const secret = 'c2VjcmV0LWtleS1zZWNyZXQta2V5';
const complete = {
  IOTHUB_CONNECTION_STRING: `HostName=my-hub.azure-devices.net;SharedAccessKeyName=twinkeeper;SharedAccessKey=${secret}`,
  EventHubConnection: `Endpoint=sb://my.servicebus.windows.net/;SharedAccessKeyName=x;SharedAccessKey=${secret}`,
  EVENTHUB_NAME: 'hub-events',
  AzureWebJobsStorage: `DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=${secret};EndpointSuffix=core.windows.net`,
};

/** Reads these settings, which must be wrong, and returns the message of the `SettingsError`. Throws when the settings are accepted. */
function faultsOf(environment: Record<string, string | undefined>): string {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error('These settings were accepted.');
}

describe('the app settings', () => {
  it.each([
    [
      'a host with a scheme',
      { IOTHUB_CONNECTION_STRING: `HostName=https://a.b/;SharedAccessKeyName=x;SharedAccessKey=${secret}` },
    ],
    ['a malformed key', { IOTHUB_CONNECTION_STRING: 'HostName=a.b;SharedAccessKeyName=x;SharedAccessKey=***' }],
    ['an event hub connection without a key', { EventHubConnection: 'Endpoint=sb://x.servicebus.windows.net/' }],
    ['an event hub name with a slash', { EVENTHUB_NAME: ' a/b ' }],
    ['a consumer group with spaces', { EVENTHUB_CONSUMER_GROUP: 'a b/c' }],
    ['a malformed account key', { AzureWebJobsStorage: 'AccountName=a;AccountKey=!!' }],
  ])('are refused by name when they contain %s', (_, wrong) => {
    expect(faultsOf({ ...complete, ...wrong })).toContain(String(Object.keys(wrong)[0]));
  });

  it('are refused when a name is unknown, so that a misspelt TWINKEEPER_MODE does not leave the app enforcing', () => {
    expect(faultsOf({ ...complete, TWINKEEPER_MODUS: 'audit' })).toMatch(
      /TWINKEEPER_MODUS is not a setting.*TWINKEEPER_MODE/,
    );
    expect(readSettings({ ...complete, TWINKEEPER_LOCAL_FUNCTION_KEY: 'x' })).toMatchObject({ mode: 'enforce' });
  });

  it('accept a shared access signature for the storage account', () => {
    const sas =
      'QueueEndpoint=https://a.queue.x/;TableEndpoint=https://a.table.x/;SharedAccessSignature=sv=2024&sig=a%3D';
    expect(readSettings({ ...complete, AzureWebJobsStorage: sas }).storage).toEqual({ connectionString: sas });
  });

  it('have defaults for all optional values', () => {
    expect(readSettings(complete)).toEqual({
      hub: { connectionString: complete.IOTHUB_CONNECTION_STRING },
      storage: { connectionString: complete.AzureWebJobsStorage },
      mode: 'enforce',
      operators: 'keys',
      retry: { firstDelay: 30, attempts: 10 },
      sweep: { schedule: '0 */15 * * * *', minutes: 4, walkHours: 24, walkBy: 'export', fullLookDays: 7 },
      budget: { tier: 'S1', units: 1, share: 0.5, messageShare: 0.1 },
      blastRadius: { type: 'share', share: 0.2 },
      backfill: 'import',
      settleSeconds: 60,
      retentionDays: 400,
      rollupSchedule: '15 */5 * * * *',
      sealSchedule: '0 20 0-5 * * *',
    });
  });

  it('need no key when the app uses a managed identity', () => {
    const settings = readSettings({
      IOTHUB_HOSTNAME: 'my-hub.azure-devices.net',
      EventHubConnection__fullyQualifiedNamespace: 'my.servicebus.windows.net',
      EVENTHUB_NAME: 'hub-events',
      AzureWebJobsStorage__accountName: 'account',
      TWINKEEPER_MODE: 'audit',
      TWINKEEPER_OPERATORS: 'entra',
      TWINKEEPER_RETRY_DELAY: '5',
      TWINKEEPER_RETRY_ATTEMPTS: '3',
      TWINKEEPER_SWEEP_SCHEDULE: '0 0 2,14 * JAN-MAR MON',
      TWINKEEPER_SWEEP_MINUTES: '9',
      TWINKEEPER_WALK_HOURS: '0',
      TWINKEEPER_WALK: 'query',
      TWINKEEPER_FULL_LOOK_DAYS: '1',
      TWINKEEPER_SETTLE_SECONDS: '0',
      TWINKEEPER_RETENTION_DAYS: '30',
      TWINKEEPER_ROLLUP_SCHEDULE: ' 0 * * * * * ',
      TWINKEEPER_SEAL_SCHEDULE: ' 0 10 1 * * * ',
      TWINKEEPER_HUB_TIER: 'S3',
      TWINKEEPER_HUB_UNITS: '200',
      TWINKEEPER_BUDGET_SHARE: '1',
      TWINKEEPER_BLAST_RADIUS: '250',
    });
    expect(settings).toEqual({
      hub: { hostName: 'my-hub.azure-devices.net', identity: { type: 'default' } },
      storage: {
        queueUri: 'https://account.queue.core.windows.net',
        tableUri: 'https://account.table.core.windows.net',
        blobUri: 'https://account.blob.core.windows.net',
        identity: { type: 'default' },
      },
      mode: 'audit',
      operators: 'entra',
      retry: { firstDelay: 5, attempts: 3 },
      sweep: { schedule: '0 0 2,14 * JAN-MAR MON', minutes: 9, walkHours: 0, walkBy: 'query', fullLookDays: 1 },
      budget: { tier: 'S3', units: 200, share: 1, messageShare: 0.1 },
      blastRadius: { type: 'count', count: 250 },
      backfill: 'import',
      settleSeconds: 0,
      retentionDays: 30,
      rollupSchedule: '0 * * * * *',
      sealSchedule: '0 10 1 * * *',
    });
  });

  it.each([
    ['0 */5 * * * *', '0 */5 * * * *'],
    ['*/5 * * * *', '*/5 * * * *'],
    [' 0  30 9-17/2,20 * * MON-FRI ', '0  30 9-17/2,20 * * MON-FRI'],
  ])('accept the schedule %s', (given, schedule) => {
    expect(readSettings({ ...complete, TWINKEEPER_SWEEP_SCHEDULE: given }).sweep.schedule).toBe(schedule);
  });

  it.each([
    ['12.5%', 0.125],
    ['0.1%', 0.001],
    ['300%', 3],
  ])("accept %s as a share of a policy's devices", (given, share) => {
    expect(readSettings({ ...complete, TWINKEEPER_BLAST_RADIUS: given }).blastRadius).toEqual({
      type: 'share',
      share,
    });
  });

  it('are refused when a name only resembles a setting', () => {
    for (const name of [
      'TWINKEEPER_SWEEP_SCEDULE',
      'TWINKEEPER_HUB_SIZE',
      'TWINKEEPER_BUDGET',
      'TWINKEEPER_BLAST_RADIUS_PER_HOUR',
    ]) {
      expect(faultsOf({ ...complete, [name]: '1' })).toContain(`${name} is not a setting`);
    }
  });

  it.each([
    ['Twinkeeper_Mode', 'TWINKEEPER_MODE'],
    ['IOTHUB__clientid', 'IOTHUB__clientId'],
    ['AzureWebJobsStorage__queueServiceURI', 'AzureWebJobsStorage__queueServiceUri'],
  ])('are refused when %s is written in the wrong case, because the app would ignore it', (name, meant) => {
    expect(faultsOf({ ...complete, [name]: 'audit' })).toContain(
      `${name} is not a setting of Twinkeeper: write ${meant}.`,
    );
    expect(faultsOf({ ...complete, twinkeeper_mod: 'audit' })).toContain('twinkeeper_mod is not a setting');
  });

  it('are refused under the name of an earlier version, and the message has the new name', () => {
    const faults = faultsOf({ ...complete, TWINKEEPER_MAX_OVERWRITES_PER_HOUR: '20%' });
    expect(faults).toContain('TWINKEEPER_MAX_OVERWRITES_PER_HOUR does not exist any more: use TWINKEEPER_BLAST_RADIUS');
  });

  it('accept the storage emulator', () => {
    expect(readSettings({ ...complete, AzureWebJobsStorage: 'UseDevelopmentStorage=true' }).storage).toEqual({
      connectionString: 'UseDevelopmentStorage=true',
    });
  });

  it.each([
    ['IOTHUB_CONNECTION_STRING', 'IOTHUB_HOSTNAME or IOTHUB_CONNECTION_STRING is missing'],
    ['EventHubConnection', 'EventHubConnection or EventHubConnection__fullyQualifiedNamespace is missing'],
    ['EVENTHUB_NAME', 'EVENTHUB_NAME is missing'],
    [
      'AzureWebJobsStorage',
      'AzureWebJobsStorage, AzureWebJobsStorage__accountName or AzureWebJobsStorage__blobServiceUri is missing',
    ],
  ])('are refused when %s is missing or empty', (name, message) => {
    expect(faultsOf({ ...complete, [name]: undefined })).toContain(message);
    expect(faultsOf({ ...complete, [name]: '' })).toContain(message);
  });

  it.each([
    ['IOTHUB_HOSTNAME', 'https://my-hub.azure-devices.net', 'https://my-hub.azure-devices.net'],
    ['IOTHUB_HOSTNAME', 'my hub', 'my hub'],
    ['IOTHUB_HOSTNAME', 'my-hub.azure-devices.net:99999', '99999'],
    ['EventHubConnection__fullyQualifiedNamespace', 'sb://x/', 'host name'],
    ['AzureWebJobsStorage__accountName', 'My-Account', 'My-Account'],
    ['TWINKEEPER_MODE', 'watch', 'watch'],
    ['TWINKEEPER_RETRY_DELAY', '1.5', '1.5'],
    ['TWINKEEPER_RETRY_DELAY', '0', '"0"'],
    ['TWINKEEPER_RETRY_ATTEMPTS', 'many', 'many'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '00:15:00', '00:15:00'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '*/15 * * *', '*/15'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '0 0 0 * * * *', '0 0 0'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '0 */15 * * * ;', ';'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '0 60 * * * *', '60'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '0 0 24 * * *', '24'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '0 0 0 0 * *', '0 0 0 0'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '0 0 0 * 13 *', '13'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '0 0 0 * * 7', '7'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '0 0 0 * * MONKEY', 'MONKEY'],
    ['TWINKEEPER_SWEEP_SCHEDULE', '0 0 0 MON * *', 'MON'],
    ['TWINKEEPER_ROLLUP_SCHEDULE', '0 */0 * * * *', '*/0'],
    ['TWINKEEPER_SEAL_SCHEDULE', 'midnight', 'midnight'],
    ['TWINKEEPER_SWEEP_MINUTES', '10', '"10"'],
    ['TWINKEEPER_SETTLE_SECONDS', '-1', '"-1"'],
    ['TWINKEEPER_SETTLE_SECONDS', '1.5', '1.5'],
    ['TWINKEEPER_RETENTION_DAYS', '0', '"0"'],
    ['TWINKEEPER_RETENTION_DAYS', '99999', '"99999"'],
    ['TWINKEEPER_HUB_TIER', 'S4', 'S4'],
    ['TWINKEEPER_HUB_TIER', 'B2', 'have no twins'],
    ['TWINKEEPER_OPERATORS', 'all', '"all"'],
    ['AzureWebJobsStorage__tableServiceUri', 'account.table.core.windows.net', 'https://'],
    ['AzureWebJobsStorage__credential', 'workloadidentity', 'managedidentity'],
    ['IOTHUB__clientId', 'twinkeeper', 'client id'],
    ['TWINKEEPER_HUB_UNITS', '201', '201'],
    ['TWINKEEPER_BUDGET_SHARE', '0', '"0"'],
    ['TWINKEEPER_BUDGET_SHARE', '1.1', '1.1'],
    ['TWINKEEPER_BUDGET_SHARE', '50%', '50%'],
    ['TWINKEEPER_BLAST_RADIUS', '0', '"0"'],
    ['TWINKEEPER_BLAST_RADIUS', '0.0%', '0.0%'],
    ['TWINKEEPER_BLAST_RADIUS', '20 %', '20 %'],
    ['TWINKEEPER_BLAST_RADIUS', 'all', 'all'],
  ])('are refused when %s is %s, and the message names both', (name, value, shown) => {
    const message = faultsOf({ ...complete, [name]: value });
    expect(message).toContain(name);
    expect(message).toContain(shown);
  });

  it.each([
    ['IOTHUB_CONNECTION_STRING', `HostName=h;SharedAccessKey=${secret}`, 'SharedAccessKeyName'],
    ['IOTHUB_CONNECTION_STRING', `HostName=;SharedAccessKeyName=x;SharedAccessKey=${secret}`, 'HostName'],
    ['EventHubConnection', `EndPoint:${secret}`, 'Endpoint'],
    ['AzureWebJobsStorage', `AccountName=a;Key=${secret}`, 'AccountKey'],
  ])('are refused when %s is malformed, and the message does not show its value', (name, value, shown) => {
    const message = faultsOf({ ...complete, [name]: value });
    expect(message).toContain(name);
    expect(message).toContain(shown);
    expect(message).not.toContain(secret);
  });

  it.each([
    'IOTHUB_HOSTNAME',
    'EventHubConnection__fullyQualifiedNamespace',
    'AzureWebJobsStorage__accountName',
    'TWINKEEPER_MODE',
    'TWINKEEPER_RETRY_DELAY',
  ])('are refused when a connection string was pasted into %s, and the message does not show its key', (name) => {
    for (const pasted of [
      complete.IOTHUB_CONNECTION_STRING,
      complete.AzureWebJobsStorage,
      `SharedAccessSignature sr=x&sig=${secret}&se=1`,
      `aB38Q~${secret}`,
    ]) {
      const message = faultsOf({ ...complete, [name]: pasted });
      expect(message).toContain(name);
      expect(message).not.toContain(secret);
    }
  });

  it('are refused with all faults in one message', () => {
    const message = faultsOf({
      IOTHUB_HOSTNAME: 'https://x',
      EventHubConnection: 'nonsense',
      TWINKEEPER_MODE: 'x',
      TWINKEEPER_RETRY_DELAY: '-1',
    });
    for (const name of [
      'IOTHUB_HOSTNAME',
      'EventHubConnection',
      'EVENTHUB_NAME',
      'AzureWebJobsStorage',
      'TWINKEEPER_MODE',
      'TWINKEEPER_RETRY_DELAY',
    ]) {
      expect(message).toMatch(new RegExp(`^ {2}${name}[ ,]`, 'm'));
    }
  });

  it('prefer the host name when both a host name and a connection string are given', () => {
    expect(readSettings({ ...complete, IOTHUB_HOSTNAME: 'other.azure-devices.net' }).hub).toEqual({
      hostName: 'other.azure-devices.net',
      identity: { type: 'default' },
    });
  });

  const clientId = '11111111-2222-3333-4444-555555555555';
  const identities = {
    IOTHUB_HOSTNAME: 'my-hub.azure-devices.us',
    IOTHUB__credential: 'managedidentity',
    IOTHUB__clientId: clientId,
    EventHubConnection__fullyQualifiedNamespace: 'my.servicebus.usgovcloudapi.net',
    EventHubConnection__credential: 'managedidentity',
    EventHubConnection__clientId: clientId,
    EVENTHUB_NAME: 'twin-events',
    AzureWebJobsStorage__blobServiceUri: 'https://account.blob.core.usgovcloudapi.net/',
    AzureWebJobsStorage__queueServiceUri: 'https://account.queue.core.usgovcloudapi.net/',
    AzureWebJobsStorage__tableServiceUri: 'https://account.table.core.usgovcloudapi.net/',
    AzureWebJobsStorage__credential: 'managedidentity',
    AzureWebJobsStorage__clientId: clientId,
  };

  it('name the services of any cloud, and a user-assigned identity for each', () => {
    expect(readSettings({ ...identities, TWINKEEPER_HUB_TIER: 'GEN2' })).toMatchObject({
      hub: { hostName: 'my-hub.azure-devices.us', identity: { type: 'managed', clientId } },
      storage: {
        queueUri: 'https://account.queue.core.usgovcloudapi.net/',
        tableUri: 'https://account.table.core.usgovcloudapi.net/',
        blobUri: 'https://account.blob.core.usgovcloudapi.net/',
        identity: { type: 'managed', clientId },
      },
      budget: { tier: 'GEN2' },
    });
  });

  it('mean the system-assigned identity without a client id', () => {
    expect(readSettings({ ...identities, IOTHUB__clientId: '' }).hub).toMatchObject({ identity: { type: 'managed' } });
  });

  it.each([
    [
      'a service URI is missing',
      { AzureWebJobsStorage__tableServiceUri: '' },
      'AzureWebJobsStorage__tableServiceUri is missing: it belongs to AzureWebJobsStorage__blobServiceUri and AzureWebJobsStorage__queueServiceUri.',
    ],
    [
      'a client id has no credential',
      { EventHubConnection__credential: '' },
      'EventHubConnection__credential is missing: EventHubConnection__clientId counts only together with',
    ],
    [
      'storage is named twice',
      { AzureWebJobsStorage__accountName: 'other' },
      'AzureWebJobsStorage__accountName and AzureWebJobsStorage__blobServiceUri and',
    ],
    [
      'a connection string stands beside an identity',
      { IOTHUB_HOSTNAME: '', IOTHUB_CONNECTION_STRING: complete.IOTHUB_CONNECTION_STRING },
      'IOTHUB__credential and IOTHUB__clientId must be removed',
    ],
  ])('are refused when %s', (_, change, message) => {
    expect(faultsOf({ ...identities, ...change })).toContain(message);
  });

  it('have names, so that the deployment can be checked against them', () => {
    expect(knownSettingNames).toEqual(
      expect.arrayContaining([...Object.keys(identities), 'AZURE_CLIENT_ID', 'TWINKEEPER_MODE']),
    );
  });
});
