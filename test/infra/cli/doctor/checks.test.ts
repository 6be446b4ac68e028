/** Each fault that `twinkeeper doctor` knows: a healthy deployment is broken in one place, and the doctor says where and how to repair it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRunningApp, verdictOf } from '../../../../infra/cli/doctor/index.ts';
import { ids, names, type Plant, type Stage, startStage, wrongIn } from './plant.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
beforeEach(() => stage.reset());
afterAll(() => stage.close());

const inApp = '--name func-plant --resource-group rg-plant';
const roleCommand = (principal: string, role: string, scope: string) =>
  `az role assignment create --assignee-object-id ${principal} --assignee-principal-type ServicePrincipal --role ${role} --scope ${scope}`;
const appPrincipal = '00000000-0000-4000-8000-0000000000a1';

/** Removes the assignment of a role. */
const unassign = (role: string) => (plant: Plant) => {
  plant.assignments.splice(
    plant.assignments.findIndex(([, id]) => id === role),
    1,
  );
};

describe('a healthy deployment', () => {
  it('has nothing wrong, and each check says what it saw', async () => {
    const found = await stage.run();
    expect(wrongIn(found)).toEqual([]);
    expect(Object.fromEntries(Object.entries(found).map(([id, [first]]) => [id, first?.what]))).toEqual({
      clock: expect.stringMatching(/^It differs from Azure's clock by [01] s\.$/),
      versions: 'The app and this command are 0.1.0. The command runs on Node 24.1.0, the app on Node 24.',
      hub: 'plant-hub.azure-devices.net is active, S1 with 2 units.',
      'function-app': 'func-plant is running, with 6 functions.',
      settings: 'They are valid, and they name this hub, event hub, storage account and identity.',
      storage: 'stplant exists, and the app uses it.',
      'event-hub': 'twin-events in evhns-plant is there, with the consumer group twinkeeper.',
      'app-roles': 'The app has all 8 roles. New roles take some minutes to count.',
      'hub-role': 'The hub may send to twin-events.',
      route: 'The hub routes its events to twin-events.',
      'endpoint-health': 'The endpoint is healthy. The hub sent last at Thu, 26 Nov 2026 10:00:00 GMT.',
      'app-health': 'It is healthy, in the mode audit.',
      event: 'Give --device DEVICE: the tag twinkeeperDoctor of this device is then changed and put back.',
    });
    expect(verdictOf(Object.entries(found).map(([id, findings]) => ({ id, title: id, findings })))).toBe('healthy');
  });

  it('may have its roles from above, or through larger roles', async () => {
    stage.plant.assignments.splice(
      0,
      3,
      [appPrincipal, '4fc6c259-987e-4a07-842e-c321cc9d413f', `/subscriptions/${names.subscription}`],
      [appPrincipal, 'f526a384-b230-433a-b45c-95f59c4a2dec', ids.namespace],
    );
    unassign('a638d3c7-ab3a-418d-83e6-5f17a39d4fde')(stage.plant);
    expect(wrongIn(await stage.run())).toEqual([]);
  });
});

describe('a fault', () => {
  type Case = readonly [
    what: string,
    breakIt: (plant: Plant) => void,
    id: string,
    sentence: string,
    mend: readonly string[],
  ];
  const cases: readonly Case[] = [
    [
      'no hub',
      ({ refused }) => refused.set(ids.hub, 404),
      'hub',
      'There is no IoT hub plant-hub in the resource group rg-hubs.',
      ["az iot hub list --query '[].[name, resourcegroup]' --output table"],
    ],
    [
      'a hub of a basic tier',
      ({ hub }) => Object.assign(hub.sku, { name: 'B2' }),
      'hub',
      'The hub has the basic tier B2. Hubs of the basic tiers have no twins.',
      ['az iot hub update --name plant-hub --resource-group rg-hubs --sku S2'],
    ],
    [
      'a hub that is failing over',
      ({ hub }) => Object.assign(hub.properties, { state: 'FailingOver' }),
      'hub',
      'The hub is FailingOver. Wait until it is Active.',
      ['az iot hub show --name plant-hub --resource-group rg-hubs --query properties.state'],
    ],
    [
      'a hub without an identity',
      ({ hub }) => Object.assign(hub, { identity: { type: 'None' } }),
      'hub',
      'The hub has no system-assigned identity, so it cannot send its events to the event hub.',
      ['az iot hub identity assign --name plant-hub --resource-group rg-hubs --system-assigned', 'azd provision'],
    ],
    [
      'a closed hub, and an app outside of its network',
      ({ hub }) => Object.assign(hub.properties, { publicNetworkAccess: 'Disabled' }),
      'hub',
      'The hub refuses public access, and the app is in no virtual network',
      ['azd env set TWINKEEPER_PRIVATE_NETWORK true', 'azd provision'],
    ],
    [
      'no function app',
      ({ refused }) => refused.set(ids.functionApp, 404),
      'function-app',
      'There is no function app func-plant in the resource group rg-plant.',
      ['azd up'],
    ],
    [
      'a function app that was stopped',
      ({ site }) => Object.assign(site.properties, { state: 'Stopped' }),
      'function-app',
      'The function app is Stopped.',
      [`az functionapp start ${inApp}`],
    ],
    [
      'a function app without an identity',
      ({ site }) => Object.assign(site, { identity: null }),
      'function-app',
      'The function app has no user-assigned identity',
      ['azd provision'],
    ],
    [
      'no package',
      ({ functions }) => functions.splice(0),
      'function-app',
      'The function app has no functions: no package is deployed, or it cannot be loaded.',
      ['azd deploy'],
    ],
    [
      'an app that refused its settings',
      ({ functions }) => functions.splice(0, 5),
      'function-app',
      'The function app has no twin-events, deferred, sweep, sweep-work, roll-up',
      ['azd deploy'],
    ],
    [
      'a disabled function',
      ({ functions }) => Object.assign(functions[0] ?? {}, { isDisabled: true }),
      'function-app',
      'The function twin-events is disabled.',
      [`az functionapp config appsettings delete ${inApp} --setting-names AzureWebJobs.twin-events.Disabled`],
    ],
    [
      'an old Node',
      ({ site }) => Object.assign(site.properties, { functionAppConfig: { runtime: { name: 'node', version: '20' } } }),
      'versions',
      'The app runs on node 20. Twinkeeper needs node 22 or 24.',
      [`az functionapp runtime config set ${inApp} --runtime-version 24`],
    ],
    [
      'a setting with another value',
      ({ settings }) => Object.assign(settings, { EVENTHUB_NAME: 'other' }),
      'settings',
      'EVENTHUB_NAME is other. It must be twin-events.',
      [`az functionapp config appsettings set ${inApp} --settings EVENTHUB_NAME=twin-events`],
    ],
    [
      'a missing setting of the identity',
      ({ settings }) => delete settings.EventHubConnection__credential,
      'settings',
      'EventHubConnection__credential is missing. It must be managedidentity.',
      [`az functionapp config appsettings set ${inApp} --settings EventHubConnection__credential=managedidentity`],
    ],
    [
      'another hub',
      ({ settings }) => Object.assign(settings, { IOTHUB_HOSTNAME: 'other.azure-devices.net' }),
      'settings',
      'IOTHUB_HOSTNAME is other.azure-devices.net. It must be plant-hub.azure-devices.net.',
      [`az functionapp config appsettings set ${inApp} --settings IOTHUB_HOSTNAME=plant-hub.azure-devices.net`],
    ],
    [
      'a malformed setting',
      ({ settings }) => Object.assign(settings, { TWINKEEPER_MODE: 'maybe' }),
      'settings',
      'TWINKEEPER_MODE must be enforce or audit.',
      ['azd provision'],
    ],
    [
      'a setting that Flex Consumption refuses',
      ({ settings }) => Object.assign(settings, { WEBSITE_RUN_FROM_PACKAGE: '1' }),
      'settings',
      'WEBSITE_RUN_FROM_PACKAGE must not be set on a Flex Consumption plan.',
      [`az functionapp config appsettings delete ${inApp} --setting-names WEBSITE_RUN_FROM_PACKAGE`],
    ],
    [
      'no storage account',
      ({ refused }) => refused.set(ids.storageAccount, 404),
      'storage',
      'There is no storage account stplant in the resource group rg-plant.',
      ['azd provision'],
    ],
    [
      'a closed storage account',
      ({ storage }) => Object.assign(storage, { publicNetworkAccess: 'Disabled' }),
      'storage',
      'The storage account refuses public access, and the app is in no virtual network',
      [
        'az storage account update --name stplant --resource-group rg-plant --public-network-access Enabled --default-action Allow',
      ],
    ],
    [
      'a storage account that is unavailable',
      ({ storage }) => Object.assign(storage, { statusOfPrimary: 'unavailable' }),
      'storage',
      'Azure calls the storage account unavailable in its region.',
      [],
    ],
    [
      'the storage of another deployment',
      ({ settings }) =>
        Object.assign(settings, { AzureWebJobsStorage__tableServiceUri: 'https://other.table.core.windows.net' }),
      'storage',
      'AzureWebJobsStorage__tableServiceUri names another storage account than stplant',
      ['azd provision'],
    ],
    [
      'no event hub namespace',
      ({ refused }) => refused.set(ids.namespace, 404),
      'event-hub',
      'There is no event hub namespace evhns-plant in the resource group rg-plant.',
      ['azd provision'],
    ],
    [
      'no event hub',
      ({ refused }) => refused.set(ids.eventHub, 404),
      'event-hub',
      'There is no event hub twin-events in the namespace evhns-plant.',
      [
        'az eventhubs eventhub create --name twin-events --namespace-name evhns-plant --resource-group rg-plant --partition-count 8 --cleanup-policy Delete --retention-time 168',
        'azd provision',
      ],
    ],
    [
      'a disabled event hub',
      ({ eventHub }) => Object.assign(eventHub, { status: 'Disabled' }),
      'event-hub',
      'The event hub is Disabled.',
      [
        'az eventhubs eventhub update --name twin-events --namespace-name evhns-plant --resource-group rg-plant --status Active',
      ],
    ],
    [
      'no consumer group',
      ({ refused }) => refused.set(`${ids.eventHub}/consumergroups/twinkeeper`, 404),
      'event-hub',
      'The event hub has no consumer group twinkeeper.',
      [
        'az eventhubs eventhub consumer-group create --name twinkeeper --eventhub-name twin-events --namespace-name evhns-plant --resource-group rg-plant',
      ],
    ],
    [
      'an event hub that refuses all',
      ({ networkRules }) => Object.assign(networkRules, { publicNetworkAccess: 'Disabled' }),
      'event-hub',
      'The namespace refuses all public access.',
      [
        'az eventhubs namespace network-rule-set update --namespace-name evhns-plant --resource-group rg-plant --public-network-access Enabled --enable-trusted-service-access true',
      ],
    ],
    [
      'a firewall without the exception for trusted services',
      ({ networkRules }) => Object.assign(networkRules, { defaultAction: 'Deny', trustedServiceAccessEnabled: false }),
      'event-hub',
      'The firewall of the namespace has no exception for trusted services, so the IoT hub cannot send.',
      [
        'az eventhubs namespace network-rule-set update --namespace-name evhns-plant --resource-group rg-plant --public-network-access Enabled --enable-trusted-service-access true',
      ],
    ],
    [
      'a hub without the right to send',
      unassign('2b629674-e913-4c01-ae53-ef4638d8f975'),
      'hub-role',
      'The IoT hub does not have the role Azure Event Hubs Data Sender on twin-events.',
      [roleCommand('p', '2b629674-e913-4c01-ae53-ef4638d8f975', ids.eventHub)],
    ],
    [
      'no endpoint',
      ({ hub }) => Object.assign(hub.properties.routing ?? {}, { endpoints: {} }),
      'route',
      'The hub has no endpoint twinkeeper.',
      ['npx twinkeeper connect --dry-run', 'npx twinkeeper connect'],
    ],
    [
      'no route',
      ({ hub }) =>
        Object.assign(hub.properties.routing ?? {}, { routes: hub.properties.routing?.routes?.slice(0, -1) }),
      'route',
      'The hub has no route twinkeeper-lifecycle.',
      ['npx twinkeeper connect --dry-run', 'npx twinkeeper connect'],
    ],
    [
      'a route that is off',
      ({ hub }) => Object.assign(hub.properties.routing?.routes?.at(-1) ?? {}, { isEnabled: false }),
      'route',
      'The route twinkeeper-lifecycle is not as wanted: isEnabled is false and must be true.',
      ['npx twinkeeper connect --dry-run', 'npx twinkeeper connect'],
    ],
    [
      'a dead endpoint',
      ({ endpointHealth }) =>
        Object.assign(endpointHealth[1] ?? {}, { healthStatus: 'dead', lastKnownError: 'Unauthorized' }),
      'endpoint-health',
      'The endpoint is dead: the hub cannot send to it. The last error was Unauthorized.',
      ['npx twinkeeper disconnect', 'npx twinkeeper connect'],
    ],
    [
      'an app that did not start',
      ({ app }) =>
        Object.assign(app, {
          health: { status: 503, body: { status: 'unhealthy', faults: ['EVENTHUB_NAME is missing.'] } },
        }),
      'app-health',
      'The app did not start: EVENTHUB_NAME is missing.',
      ['azd provision', 'azd deploy'],
    ],
    [
      'an app that answers 404',
      ({ app }) => delete app.health,
      'app-health',
      '/api/health answers 404: no package is deployed, or the app throws while it loads.',
      [`az functionapp restart ${inApp}`, 'azd deploy'],
    ],
    [
      'an app that answers 500',
      ({ app }) => Object.assign(app, { health: { status: 500, body: '' } }),
      'app-health',
      '/api/health answers 500.',
      [`az functionapp restart ${inApp}`, 'azd deploy'],
    ],
    [
      'another app at the address',
      ({ app }) => Object.assign(app, { 'health/details': { status: 200, body: { hello: 1 } } }),
      'app-health',
      '/api/health/details answers 200 with something unknown: is it Twinkeeper?',
      [`az functionapp restart ${inApp}`, 'azd deploy'],
    ],
    [
      'an ill app',
      ({ app }) =>
        Object.assign(app['health/details']?.body ?? {}, {
          status: 'unhealthy',
          problems: [{ code: 'noEvents', severity: 'ill', sentence: 'No events arrive.', advice: 'Check the routes.' }],
        }),
      'app-health',
      'No events arrive. Check the routes.',
      [],
    ],
    [
      'an older app whose hub does not answer',
      ({ app }) =>
        Object.assign(app['health/details'] ?? {}, {
          status: 503,
          body: { status: 'unhealthy', checks: { hub: { ok: false, detail: 'plant-hub: no answer in 30 s' } } },
        }),
      'app-health',
      'plant-hub: no answer in 30 s',
      [],
    ],
  ];

  it.each(cases)('is found and comes with its repair: %s', async (_what, breakIt, id, sentence, mend) => {
    breakIt(stage.plant);
    const found = await stage.check(id);
    const faults = found.filter(({ state }) => state === 'fault');
    expect(faults.map(({ what }) => what)).toEqual([expect.stringContaining(sentence)]);
    expect(faults[0]?.mend).toEqual(mend);
  });

  it.each([
    ['IoT Hub Registry Contributor', '4ea46cd5-c1b2-4a8e-910b-273211f9ce47', ids.hub],
    ['IoT Hub Twin Contributor', '494bdba2-168f-4f31-a0a1-191d2f7c028c', ids.hub],
    ['IoT Hub Data Reader', 'b447c946-2db7-41ec-983d-d8bf3b1c77e3', ids.hub],
    ['Storage Blob Data Owner', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b', ids.storageAccount],
    ['Storage Queue Data Contributor', '974c5e8b-45b9-4653-ba55-5f855dd0fb88', ids.storageAccount],
    ['Storage Table Data Contributor', '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3', ids.storageAccount],
    ['Azure Event Hubs Data Receiver', 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde', ids.eventHub],
    ['Monitoring Metrics Publisher', '3913510d-42f4-4e42-8a64-420c390055eb', ids.component],
  ])('is found and comes with its repair: the app without the role %s', async (name, role, scope) => {
    unassign(role)(stage.plant);
    expect(await stage.check('app-roles')).toEqual([
      {
        state: 'fault',
        what: `The app does not have the role ${name} on ${scope.split('/').at(-1)}.`,
        mend: [roleCommand(appPrincipal, role, scope)],
      },
    ]);
  });

  it('is found when a role is assigned only to a part of the resource', async () => {
    unassign('b7e6dc6d-f1e8-4753-8033-0f276bb0955b')(stage.plant);
    const container = `${ids.storageAccount}/blobServices/default/containers/app-package`;
    stage.plant.assignments.push([appPrincipal, 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b', container]);
    expect((await stage.check('app-roles')).map(({ what }) => what)).toEqual([
      'The app does not have the role Storage Blob Data Owner on stplant.',
    ]);
  });

  it('shows no secret of a setting', async () => {
    stage.plant.settings.EVENTHUB_NAME = 'Endpoint=sb://x/;SharedAccessKey=c2VjcmV0';
    const text = JSON.stringify(await stage.check('settings'));
    expect(text).toContain('EVENTHUB_NAME is another value. It must be twin-events.');
    expect(text).not.toContain('c2VjcmV0');
  });
});

describe('a clock that is wrong', () => {
  it.each([
    [-7_200_000, 'ahead of'],
    [7_200_000, 'behind'],
  ])('is found by the time in the answers of Azure, %i ms', async (lead, word) => {
    stage.manager.clockLead = lead;
    expect(await stage.check('clock')).toEqual([
      {
        state: 'fault',
        what: expect.stringMatching(new RegExp(`^It is (7199|7200|7201) s ${word} Azure's clock\\.`)),
        mend: [process.platform === 'win32' ? 'w32tm /resync' : 'sudo timedatectl set-ntp true'],
      },
    ]);
  });
});

describe('a warning', () => {
  it('says that the app and the command are of different versions', async () => {
    expect(await stage.check('versions', { command: { version: '0.2.0', node: '24.1.0' } })).toEqual([
      {
        state: 'warning',
        what: 'The app is version 0.1.0, and this command is 0.2.0.',
        mend: ['npm ci', 'azd deploy'],
      },
    ]);
  });

  it('says that the hub was scaled', async () => {
    Object.assign(stage.plant.hub.sku, { name: 'S2', capacity: 5 });
    const settings = await stage.check('settings');
    expect(settings.map(({ state, what }) => `${state}: ${what}`)).toEqual([
      'warning: TWINKEEPER_HUB_TIER is S1, and the hub has S2. The budget of hub calls is wrong.',
      'warning: TWINKEEPER_HUB_UNITS is 2, and the hub has 5. The budget of hub calls is wrong.',
    ]);
  });

  it('says that nothing was sent yet', async () => {
    Object.assign(stage.plant.endpointHealth[1] ?? {}, { healthStatus: 'unknown' });
    const findings = await stage.check('endpoint-health');
    expect(findings[0]).toMatchObject({ state: 'warning' });
    expect(verdictOf([{ id: '', title: '', findings }])).toBe('healthy');
  });
});

describe('what cannot be looked at', () => {
  it('is said with the reason, and is neither right nor wrong', async () => {
    stage.plant.refused.set(ids.functionApp, 403).set(ids.storageAccount, 401);
    const found = wrongIn(await stage.run());
    expect(new Set(found.map(({ state }) => state))).toEqual(new Set(['unknown']));
    const texts = Object.fromEntries(found.map(({ id, what }) => [id, what]));
    expect(texts['function-app']).toBe(
      `You may not look at ${ids.functionApp} (403, Refused): you need the role Reader there.`,
    );
    expect(texts.storage).toBe('Azure refuses your sign-in (401, Refused): run "az login" or "azd auth login" again.');
  });

  it('is the health without a key, with the command that gets one', async () => {
    const findings = await stage.check('app-health', { app: openRunningApp(stage.appUrl, undefined) });
    expect(findings).toEqual([
      {
        state: 'unknown',
        what: `${stage.appUrl} refuses access: it needs a function key, in FUNCTION_APP_KEY or --key.`,
        mend: [
          `export FUNCTION_APP_KEY="$(az functionapp keys list ${inApp} --query functionKeys.default --output tsv)"`,
        ],
      },
    ]);
    expect(verdictOf([{ id: '', title: '', findings }])).toBe('unknown');
  });

  it('is Azure with another answer than expected', async () => {
    stage.plant.functions.push({ name: 7 as never });
    await expect(stage.check('function-app')).rejects.toThrow(
      `Azure answered about ${ids.functionApp}/functions with something unknown at value.6.properties.name.`,
    );
  });
});
