/** Checks what a deployment would make, from its evaluated form: with the defaults, and with all options. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { knownSettingNames, readSettings } from '../../../functions/settings.ts';
import { allOptions, appSettings, azureFolder, deploymentWith, isWithoutBicep, type Snapshot } from './bicep.ts';

const roleNames: Readonly<Record<string, string>> = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Storage Blob Data Owner',
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88': 'Storage Queue Data Contributor',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Storage Table Data Contributor',
  'a638d3c7-ab3a-418d-83e6-5f17a39d4fde': 'Azure Event Hubs Data Receiver',
  '2b629674-e913-4c01-ae53-ef4638d8f975': 'Azure Event Hubs Data Sender',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Monitoring Metrics Publisher',
  '4ea46cd5-c1b2-4a8e-910b-273211f9ce47': 'IoT Hub Registry Contributor',
  '494bdba2-168f-4f31-a0a1-191d2f7c028c': 'IoT Hub Twin Contributor',
  'b447c946-2db7-41ec-983d-d8bf3b1c77e3': 'IoT Hub Data Reader',
};

/** Settings that Azure refuses on the plan Flex Consumption, or that would undo the deployment of a prebuilt package. */
const refusedOnFlex =
  /^(FUNCTIONS_WORKER_RUNTIME|FUNCTIONS_EXTENSION_VERSION|WEBSITE_(RUN_FROM_PACKAGE|CONTENT.*|NODE_DEFAULT_VERSION|TIME_ZONE)|SCM_DO_BUILD_DURING_DEPLOYMENT|ENABLE_ORYX_BUILD|TZ)$/;

/** The role assignments of a deployment: the role, who gets it, and the type of the resource on which it holds. */
function roles({ predictedResources }: Snapshot): readonly string[] {
  return predictedResources
    .filter(({ type }) => type === 'Microsoft.Authorization/roleAssignments')
    .map(({ id, properties }) => {
      const { roleDefinitionId, principalId, principalType } = properties as Readonly<Record<string, string>>;
      const scope = /^\[extensionResourceId\('([^']+)'/.exec(id)?.[1] ?? id;
      const [namespace, ...parts] = scope.split('/providers/').at(-1)?.split('/') ?? [];
      const type = [namespace, ...parts.filter((_, index) => index % 2 === 0)].join('/');
      const who = /userAssignedIdentities/.test(principalId ?? '')
        ? 'app'
        : /IotHubs/.test(principalId ?? '')
          ? 'hub'
          : '?';
      expect(principalType).toBe('ServicePrincipal');
      const custom = predictedResources.find((each) => each.id === roleDefinitionId)?.properties?.roleName;
      return `${who}: ${custom ?? roleNames[roleDefinitionId?.split('/').at(-1) ?? '']} on ${type}`;
    })
    .sort();
}

/** Every text in a value, with its path. */
function texts(value: unknown, path = ''): readonly (readonly [path: string, text: string])[] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => texts(part, `${path}.${key}`));
}

describe.skipIf(isWithoutBicep)('a deployment', () => {
  let plain: Snapshot;
  let full: Snapshot;
  let both: readonly Snapshot[];
  const find = (snapshot: Snapshot, type: string) => snapshot.predictedResources.filter((each) => each.type === type);
  const only = (snapshot: Snapshot, type: string) => {
    const found = find(snapshot, type);
    expect(found).toHaveLength(1);
    return found[0] as NonNullable<(typeof found)[0]>;
  };

  beforeAll(async () => {
    [plain, full] = await Promise.all([deploymentWith(), deploymentWith(allOptions)]);
    both = [plain, full];
  });

  it('is evaluated without a finding', () => {
    expect(both.map(({ diagnostics }) => diagnostics)).toEqual([[], []]);
  });

  it('assigns exactly the roles that app and hub need, each on the smallest scope', () => {
    const expected = [
      'app: Azure Event Hubs Data Receiver on Microsoft.EventHub/namespaces/eventhubs',
      'app: IoT Hub Data Reader on Microsoft.Devices/IotHubs',
      'app: IoT Hub Registry Contributor on Microsoft.Devices/IotHubs',
      'app: IoT Hub Twin Contributor on Microsoft.Devices/IotHubs',
      'app: Monitoring Metrics Publisher on Microsoft.Insights/components',
      'app: Storage Blob Data Owner on Microsoft.Storage/storageAccounts',
      'app: Storage Queue Data Contributor on Microsoft.Storage/storageAccounts',
      'app: Storage Table Data Contributor on Microsoft.Storage/storageAccounts',
      'app: Twinkeeper jobs (example-hub) on Microsoft.Devices/IotHubs',
      'hub: Azure Event Hubs Data Sender on Microsoft.EventHub/namespaces/eventhubs',
    ];
    for (const snapshot of both) expect(roles(snapshot)).toEqual(expected);
  });

  it('defines a role with the rights for jobs and no others, and neither role nor jobs when the operator wants none', async () => {
    for (const snapshot of both) {
      expect(only(snapshot, 'Microsoft.Authorization/roleDefinitions').properties).toMatchObject({
        assignableScopes: [expect.stringMatching(/\/resourceGroups\/rg-hubs$/)],
        permissions: [
          {
            actions: [],
            dataActions: ['Microsoft.Devices/IotHubs/jobs/write', 'Microsoft.Devices/IotHubs/jobs/delete'],
          },
        ],
      });
      expect(appSettings(snapshot)).toMatchObject({ TWINKEEPER_BACKFILL: 'import', TWINKEEPER_WALK: 'export' });
    }
    const without = await deploymentWith({ TWINKEEPER_HUB_JOBS: 'false' });
    expect(find(without, 'Microsoft.Authorization/roleDefinitions')).toEqual([]);
    expect(roles(without).filter((role) => role.includes('IotHubs'))).toHaveLength(3);
    expect(appSettings(without)).toMatchObject({ TWINKEEPER_BACKFILL: 'bulk', TWINKEEPER_WALK: 'query' });
  });

  it('names each role assignment after the principal, so that an identity that is made anew gets its own', () => {
    for (const { name, properties } of find(plain, 'Microsoft.Authorization/roleAssignments')) {
      const { principalId = '' } = properties as Readonly<Record<string, string>>;
      expect(name).toContain(principalId.slice(1, -1));
    }
  });

  it('does not write the hub, or anything else in the resource group of the hub but roles and their assignments', () => {
    for (const { predictedResources } of both) {
      const written = predictedResources.filter(({ id }) =>
        /^\/subscriptions\/[^/]+\/resourceGroups\/rg-hubs\//.test(id),
      );
      expect(written.map(({ type }) => type)).toEqual(['Microsoft.Authorization/roleDefinitions']);
      expect(predictedResources.filter(({ type }) => type.startsWith('Microsoft.Devices/'))).toEqual([]);
    }
  });

  it('allows no key: not of storage, the event hub, the logs, or for publishing', () => {
    for (const snapshot of both) {
      expect(only(snapshot, 'Microsoft.Storage/storageAccounts').properties).toMatchObject({
        allowSharedKeyAccess: false,
        defaultToOAuthAuthentication: true,
        allowBlobPublicAccess: false,
      });
      expect(only(snapshot, 'Microsoft.EventHub/namespaces').properties).toMatchObject({ disableLocalAuth: true });
      expect(only(snapshot, 'Microsoft.Insights/components').properties).toMatchObject({ DisableLocalAuth: true });
      const publishing = find(snapshot, 'Microsoft.Web/sites/basicPublishingCredentialsPolicies');
      expect(publishing.map(({ properties }) => properties)).toEqual([{ allow: false }, { allow: false }]);
    }
  });

  it('speaks TLS 1.2 or later everywhere', () => {
    for (const snapshot of both) {
      expect(only(snapshot, 'Microsoft.Storage/storageAccounts').properties).toMatchObject({
        minimumTlsVersion: 'TLS1_2',
        supportsHttpsTrafficOnly: true,
      });
      expect(only(snapshot, 'Microsoft.EventHub/namespaces').properties).toMatchObject({ minimumTlsVersion: '1.2' });
      expect(only(snapshot, 'Microsoft.Web/sites').properties).toMatchObject({
        httpsOnly: true,
        siteConfig: { minTlsVersion: '1.2', scmMinTlsVersion: '1.2', ftpsState: 'Disabled' },
      });
    }
  });

  it('has no secret in a setting or an output, and asks Azure for no key', async () => {
    const template = await readFile(join(azureFolder, 'main.json'), 'utf8');
    expect(template).not.toMatch(/list(Keys|Secrets|AccountSas|ServiceSas|\w*Keys?)\(/i);
    for (const snapshot of both) {
      for (const [path, text] of texts([appSettings(snapshot), snapshot.outputs])) {
        expect(`${path}: ${text}`).not.toMatch(
          /SharedAccessKey|AccountKey|InstrumentationKey=|sig=|[A-Za-z0-9+/]{40,}=/,
        );
      }
    }
  });

  it('begins in audit mode, and enforces only when told so', () => {
    expect(appSettings(plain).TWINKEEPER_MODE).toBe('audit');
    expect(appSettings(full).TWINKEEPER_MODE).toBe('enforce');
  });

  it('sets only settings that have a meaning, none that the plan refuses, and all that the app requires', () => {
    // The values that only Azure knows.
    const known: Readonly<Record<string, string>> = {
      clientId: '11111111-2222-3333-4444-555555555555',
      'properties.hostName': 'example-hub.azure-devices.net',
      hostName: 'example-hub.azure-devices.net',
      'sku.name': 'S1',
      'sku.capacity': '2',
      blob: 'https://account.blob.core.windows.net/',
      queue: 'https://account.queue.core.windows.net/',
      table: 'https://account.table.core.windows.net/',
      serviceBusEndpoint: 'example.servicebus.windows.net',
      ConnectionString: 'IngestionEndpoint=https://example.com/',
    };
    for (const snapshot of both) {
      const settings = appSettings(snapshot);
      for (const name of Object.keys(settings)) {
        expect(knownSettingNames).toContain(name);
        expect(name).not.toMatch(refusedOnFlex);
      }
      const evaluated = Object.entries(settings).map(([name, value]) => {
        const [, part = ''] = /\.((?:properties\.|sku\.)?\w+)(?:, '\/'\)\[2\], ':'\)\[0\])?\)*\]$/.exec(value) ?? [];
        return [name, value.startsWith('[') ? (known[part] ?? `unknown ${value}`) : value];
      });
      expect(readSettings(Object.fromEntries(evaluated))).toMatchObject({
        hub: { hostName: 'example-hub.azure-devices.net', identity: { type: 'managed' } },
        storage: { tableUri: 'https://account.table.core.windows.net/', identity: { type: 'managed' } },
        budget: { tier: 'S1', units: 2, share: 0.5, messageShare: 0.1 },
      });
    }
  });

  it('lets operators sign in by name only when an app registration is given, and then with the platform in front', () => {
    const authentication = (snapshot: Snapshot) =>
      find(snapshot, 'Microsoft.Web/sites/config').find(({ name }) => name.endsWith('/authsettingsV2'));
    expect(authentication(plain)).toBeUndefined();
    expect(appSettings(plain)).not.toHaveProperty('TWINKEEPER_OPERATORS');
    expect(authentication(full)?.properties).toMatchObject({ platform: { enabled: true } });
    expect(appSettings(full).TWINKEEPER_OPERATORS).toBe('entra');
  });

  it('runs on Flex Consumption with Node 24 and an identity of its own', () => {
    expect(only(plain, 'Microsoft.Web/serverfarms').sku).toEqual({ name: 'FC1', tier: 'FlexConsumption' });
    const site = only(plain, 'Microsoft.Web/sites');
    expect(site.identity?.type).toBe('UserAssigned');
    expect(site.tags).toMatchObject({ 'azd-service-name': 'twinkeeper', 'azd-env-name': 'example' });
    expect(site.properties?.functionAppConfig).toMatchObject({
      runtime: { name: 'node', version: '24' },
      deployment: { storage: { type: 'blobContainer', authentication: { type: 'UserAssignedIdentity' } } },
    });
  });

  it('keeps events for seven days, in an event hub with a consumer group of its own', () => {
    expect(only(plain, 'Microsoft.EventHub/namespaces').sku).toMatchObject({ name: 'Standard' });
    const { partitionCount, retentionDescription } = only(plain, 'Microsoft.EventHub/namespaces/eventhubs')
      .properties as { readonly partitionCount: number; readonly retentionDescription: object };
    expect(partitionCount).toBeGreaterThanOrEqual(4);
    expect(retentionDescription).toMatchObject({ retentionTimeInHours: 168 });
    expect(only(plain, 'Microsoft.EventHub/namespaces/eventhubs/consumergroups').name).not.toBe('$Default');
  });

  it('puts storage and the event hub behind private endpoints with privateNetwork, and lets the hub in', () => {
    const targets = find(full, 'Microsoft.Network/privateEndpoints').filter((each) => !('condition' in each));
    expect(targets.map(({ name }) => name.split('-vnet')[0])).toEqual([
      'pep-blob',
      'pep-event-hub',
      'pep-queue',
      'pep-table',
    ]);
    expect(only(full, 'Microsoft.Storage/storageAccounts').properties).toMatchObject({
      publicNetworkAccess: 'Disabled',
    });
    // With `Disabled`, the rules would not apply, and the hub could not send.
    expect(only(full, 'Microsoft.EventHub/namespaces/networkRuleSets').properties).toEqual({
      publicNetworkAccess: 'Enabled',
      defaultAction: 'Deny',
      trustedServiceAccessEnabled: true,
    });
    expect(find(plain, 'Microsoft.Network/privateEndpoints')).toEqual([]);
  });

  it('protects the history with a lock, three zones and a container that keeps its blobs', () => {
    expect(only(full, 'Microsoft.Authorization/locks').properties).toMatchObject({ level: 'CanNotDelete' });
    expect(only(full, 'Microsoft.Storage/storageAccounts').sku).toEqual({ name: 'Standard_ZRS' });
    const policy = only(full, 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies');
    expect(policy.properties?.immutabilityPeriodSinceCreationInDays).toBeGreaterThanOrEqual(365);
    expect(find(plain, 'Microsoft.Authorization/locks')).toEqual([]);
  });

  it('keeps two instances ready in a plan that spans zones', () => {
    expect(only(full, 'Microsoft.Web/serverfarms').properties).toMatchObject({ zoneRedundant: true });
    expect(only(full, 'Microsoft.Web/sites').properties).toMatchObject({
      functionAppConfig: { scaleAndConcurrency: { alwaysReady: [{ instanceCount: 2 }, { instanceCount: 2 }] } },
    });
  });

  it('changes nothing when it is evaluated again', async () => {
    expect(await deploymentWith()).toEqual(plain);
    const ids = plain.predictedResources.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
