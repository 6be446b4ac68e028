/** Each fault of the hub, of storage, of the event hub and of the rights that `twinkeeper doctor` knows. A healthy deployment is broken in one place, and the doctor says where and how to repair it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FaultCase, ids, type Plant, type Stage, startStage } from './plant.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
beforeEach(() => stage.reset());
afterAll(() => stage.close());

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

const cases: readonly FaultCase[] = [
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
      'az eventhubs eventhub create --name twin-events --namespace-name evhns-plant --resource-group rg-plant --partition-count 8',
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
    ({ hub }) => Object.assign(hub.properties.routing ?? {}, { routes: hub.properties.routing?.routes?.slice(0, -1) }),
    'route',
    'The hub has no route twinkeeper-lifecycle.',
    ['npx twinkeeper connect --dry-run', 'npx twinkeeper connect'],
  ],
  [
    'an endpoint of another deployment',
    ({ hub }) => Object.assign(hub.properties.routing?.endpoints?.eventHubs?.at(-1) ?? {}, { entityPath: 'other' }),
    'route',
    'The endpoint twinkeeper is not as wanted: entityPath is "other" and must be "twin-events".',
    ['npx twinkeeper connect --dry-run', 'npx twinkeeper connect --replace'],
  ],
  [
    'a hub that has neither an identity nor routes',
    ({ hub }) => {
      hub.identity = { type: 'None' };
      Object.assign(hub.properties, { routing: {} });
    },
    'route',
    'The hub plant-hub has no system-assigned identity, so it cannot send to the event hub. Give it one:',
    ['az iot hub identity assign --name plant-hub --resource-group rg-hubs --system-assigned'],
  ],
  [
    'a free hub without room for an endpoint',
    ({ hub }) => {
      hub.sku.name = 'F1';
      Object.assign(hub.properties, { routing: { endpoints: { storageContainers: [{ name: 'archive' }] } } });
    },
    'route',
    'The hub plant-hub (F1) has 1 custom endpoints, and 1 is the most. Remove one.',
    [],
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
];

describe('a fault of the services', () => {
  it.each(cases)('is found and comes with its repair: %s', async (_what, breakIt, id, sentence, mend) => {
    breakIt(stage.plant);
    const found = await stage.check(id);
    const faults = found.filter(({ state }) => state === 'fault');
    expect(faults.map(({ what }) => what)).toEqual([expect.stringContaining(sentence)]);
    expect(faults[0]?.mend).toEqual(mend);
  });
});

describe('a missing right', () => {
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

  it('without the role for jobs is a warning, because bulk calls and queries take the place of jobs', async () => {
    const consequence =
      "Without it, bulk calls create missing modules, which takes longer, and walks take messages of the hub's daily quota.";
    unassign('cc0f6964-20b4-5da7-92e6-118ae7f9ef2b')(stage.plant);
    expect(await stage.check('app-roles')).toEqual([
      {
        state: 'warning',
        what: `The app does not have the role Twinkeeper jobs (plant-hub) on plant-hub. ${consequence}`,
        mend: [roleCommand(appPrincipal, 'cc0f6964-20b4-5da7-92e6-118ae7f9ef2b', ids.hub)],
      },
    ]);
    delete stage.plant.customRoles['Twinkeeper jobs (plant-hub)'];
    expect(await stage.check('app-roles')).toEqual([
      {
        state: 'warning',
        what: `Nobody has defined the role Twinkeeper jobs (plant-hub). ${consequence}`,
        mend: ['azd env set TWINKEEPER_HUB_JOBS true', 'azd provision'],
      },
    ]);
    stage.plant.settings.TWINKEEPER_BACKFILL = 'bulk';
    expect(await stage.check('app-roles')).toMatchObject([{ state: 'warning' }]);
    stage.plant.settings.TWINKEEPER_WALK = 'query';
    expect((await stage.check('app-roles')).map(({ what }) => what)).toEqual([
      'The app has all 8 roles. New roles take some minutes to count.',
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
});
