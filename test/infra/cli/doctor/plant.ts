/**
 * A healthy deployment of Twinkeeper for one test file: Azure Resource Manager over HTTPS, and an app over HTTP. Each test breaks one thing,
 * and runs a check with the real HTTP clients.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { connectSteps } from '../../../../infra/cli/arm/index.ts';
import {
  type Finding,
  openAzure,
  openDeployment,
  openRunningApp,
  runChecks,
  type Surroundings,
} from '../../../../infra/cli/doctor/index.ts';
import { checks } from '../../../../infra/cli/doctor/run-checks.ts';
import { systemClock } from '../../../../shared/clock.ts';
import {
  type FakeResourceManager,
  plantHub,
  startFakeResourceManager,
} from '../../../support/fake-resource-manager.ts';

const subscription = '00000000-0000-0000-0000-000000000001';
const clientId = '00000000-0000-4000-8000-0000000000c1';
const principalId = '00000000-0000-4000-8000-0000000000a1';

export const names = {
  subscription,
  hub: 'plant-hub',
  hubResourceGroup: 'rg-hubs',
  resourceGroup: 'rg-plant',
  functionApp: 'func-plant',
  storageAccount: 'stplant',
  eventHubHost: 'evhns-plant.servicebus.windows.net',
  eventHub: 'twin-events',
  consumerGroup: 'twinkeeper',
};

const group = `/subscriptions/${subscription}/resourceGroups/rg-plant/providers`;

/** The ids of the resources of the deployment. */
export const ids = {
  hub: `/subscriptions/${subscription}/resourceGroups/rg-hubs/providers/Microsoft.Devices/IotHubs/plant-hub`,
  functionApp: `${group}/Microsoft.Web/sites/func-plant`,
  storageAccount: `${group}/Microsoft.Storage/storageAccounts/stplant`,
  namespace: `${group}/Microsoft.EventHub/namespaces/evhns-plant`,
  eventHub: `${group}/Microsoft.EventHub/namespaces/evhns-plant/eventhubs/twin-events`,
  component: `${group}/Microsoft.Insights/components/appi-plant`,
};

/** The paths of what is read below a resource. */
const below = {
  settings: `${ids.functionApp}/config/appsettings/list`,
  functions: `${ids.functionApp}/functions`,
  consumerGroup: `${ids.eventHub}/consumergroups/twinkeeper`,
  networkRules: `${ids.namespace}/networkRuleSets/default`,
  components: `${group}/Microsoft.Insights/components`,
  endpointHealth: `${ids.hub}/routingEndpointsHealth`,
};

/** A role assignment: the principal, the id of the role, and the scope. */
type Assignment = readonly [principal: string, role: string, scope: string];

/** All that a test may break. */
export interface Plant {
  readonly hub: FakeResourceManager['hub'];
  readonly settings: Record<string, string>;
  readonly site: { identity: object | null; properties: Record<string, unknown> };
  readonly functions: { name: string; isDisabled?: boolean }[];
  readonly storage: Record<string, unknown>;
  readonly eventHub: Record<string, unknown>;
  readonly networkRules: Record<string, unknown>;
  /** The custom roles by name, with their ids. */
  readonly customRoles: Record<string, string>;
  readonly assignments: Assignment[];
  readonly endpointHealth: Record<string, unknown>[];
  /** The answers of the app by path below `/api`. A function makes the body of each answer. */
  readonly app: Record<string, { status: number; body: unknown }>;
  /** Paths of Azure that answer with an error's status. */
  readonly refused: Map<string, number>;
}

/** One fault: its name, how it comes about, the check that finds it, a part of the sentence, and the commands that repair it. */
export type FaultCase = readonly [
  what: string,
  breakIt: (plant: Plant) => void,
  id: string,
  sentence: string,
  mend: readonly string[],
];

const roleIds = {
  registryContributor: '4ea46cd5-c1b2-4a8e-910b-273211f9ce47',
  twinContributor: '494bdba2-168f-4f31-a0a1-191d2f7c028c',
  hubDataReader: 'b447c946-2db7-41ec-983d-d8bf3b1c77e3',
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
  eventReceiver: 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde',
  eventSender: '2b629674-e913-4c01-ae53-ef4638d8f975',
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb',
  /** The custom role of this hub. */
  jobs: 'cc0f6964-20b4-5da7-92e6-118ae7f9ef2b',
};

function healthyPlant(): Plant {
  const target = {
    subscriptionId: subscription,
    resourceGroup: 'rg-plant',
    host: names.eventHubHost,
    eventHub: names.eventHub,
  };
  const [step] = connectSteps(target, false);
  const hub = step?.(plantHub() as never).hub as unknown as FakeResourceManager['hub'];
  const endpoints = hub.properties.routing?.endpoints?.eventHubs as unknown as { name: string; id: string }[];
  for (const endpoint of endpoints) endpoint.id = `id of ${endpoint.name}`;
  return {
    hub,
    settings: {
      AzureWebJobsStorage__blobServiceUri: 'https://stplant.blob.core.windows.net/',
      AzureWebJobsStorage__queueServiceUri: 'https://stplant.queue.core.windows.net/',
      AzureWebJobsStorage__tableServiceUri: 'https://stplant.table.core.windows.net/',
      AzureWebJobsStorage__credential: 'managedidentity',
      AzureWebJobsStorage__clientId: clientId,
      EventHubConnection__fullyQualifiedNamespace: names.eventHubHost,
      EventHubConnection__credential: 'managedidentity',
      EventHubConnection__clientId: clientId,
      EVENTHUB_NAME: names.eventHub,
      EVENTHUB_CONSUMER_GROUP: names.consumerGroup,
      IOTHUB_HOSTNAME: 'plant-hub.azure-devices.net',
      IOTHUB__credential: 'managedidentity',
      IOTHUB__clientId: clientId,
      AZURE_CLIENT_ID: clientId,
      AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
      TWINKEEPER_HUB_TIER: 'S1',
      TWINKEEPER_HUB_UNITS: '2',
      TWINKEEPER_MODE: 'audit',
    },
    site: {
      identity: { userAssignedIdentities: { '/id': { clientId, principalId } } },
      properties: { state: 'Running', functionAppConfig: { runtime: { name: 'node', version: '24' } } },
    },
    functions: ['twin-events', 'deferred', 'sweep', 'sweep-work', 'roll-up', 'health'].map((name) => ({ name })),
    storage: { publicNetworkAccess: 'Enabled', networkAcls: { defaultAction: 'Allow' }, statusOfPrimary: 'available' },
    eventHub: { status: 'Active' },
    networkRules: { publicNetworkAccess: 'Enabled', defaultAction: 'Allow', trustedServiceAccessEnabled: true },
    customRoles: { 'Twinkeeper jobs (plant-hub)': roleIds.jobs },
    assignments: [
      [principalId, roleIds.registryContributor, ids.hub],
      [principalId, roleIds.twinContributor, ids.hub],
      [principalId, roleIds.hubDataReader, ids.hub],
      [principalId, roleIds.jobs, ids.hub],
      [principalId, roleIds.blobDataOwner, ids.storageAccount],
      [principalId, roleIds.queueDataContributor, ids.storageAccount],
      [principalId, roleIds.tableDataContributor, ids.storageAccount],
      [principalId, roleIds.eventReceiver, ids.eventHub],
      [principalId, roleIds.metricsPublisher, ids.component],
      ['p', roleIds.eventSender, ids.eventHub],
    ],
    endpointHealth: [
      { endpointId: 'id of telemetry', healthStatus: 'dead' },
      {
        endpointId: 'id of twinkeeper',
        healthStatus: 'healthy',
        lastSuccessfulSendAttemptTime: 'Thu, 26 Nov 2026 10:00:00 GMT',
      },
    ],
    app: {
      health: { status: 200, body: { status: 'healthy' } },
      'health/details': {
        status: 200,
        body: {
          status: 'healthy',
          checkedAt: '2026-11-26T10:00:00.000Z',
          checks: {},
          problems: [{ code: 'auditMode', severity: 'information', sentence: 'Audit mode.', advice: 'Nothing.' }],
          state: { version: '0.1.0', mode: 'audit' },
        },
      },
    },
    refused: new Map(),
  };
}

export interface Stage {
  /** The deployment. A test may break it. It is healthy again after `reset`. */
  plant: Plant;
  readonly manager: FakeResourceManager;
  readonly appUrl: string;
  reset(): void;
  /** What all checks find, by the id of the check. */
  run(change?: Partial<Surroundings>): Promise<Readonly<Record<string, readonly Finding[]>>>;
  /** What one check finds. */
  check(id: string, change?: Partial<Surroundings>): Promise<readonly Finding[]>;
  surroundings(change?: Partial<Surroundings>): Promise<Surroundings>;
  close(): Promise<void>;
}

/** Starts the servers, and trusts their certificate in this process until `close`. */
export async function startStage(): Promise<Stage> {
  const trusted = getCACertificates('default');
  const manager = await startFakeResourceManager();
  setDefaultCACertificates([...trusted, manager.ca]);
  const app = createServer((request, response) => {
    const answer = stage.plant.app[request.url?.replace(/^\/api\//, '') ?? ''] ?? { status: 404, body: '' };
    const isRefused = request.url?.endsWith('/details') && request.headers['x-functions-key'] !== 'key';
    response.writeHead(isRefused ? 401 : answer.status, { 'content-type': 'application/json' });
    const body = typeof answer.body === 'function' ? answer.body() : answer.body;
    response.end(isRefused ? '' : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  const appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}/api`;

  const stage: Stage = {
    plant: healthyPlant(),
    manager,
    appUrl,
    reset() {
      this.plant = healthyPlant();
      manager.clockLead = 0;
    },
    async surroundings(change = {}) {
      serve(this.plant, manager);
      const azure = await openAzure({
        credential: { getToken: async () => ({ token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 }) },
        resourceManager: manager.url,
        clock: change.clock ?? systemClock,
      });
      return {
        deployment: openDeployment(names, azure),
        app: openRunningApp(appUrl, 'key'),
        openTags: () => Promise.reject(new Error('No test of this file changes tags.')),
        clock: systemClock,
        command: { version: '0.1.0', node: '24.1.0' },
        signal: new AbortController().signal,
        onProgress() {},
        ...change,
      };
    },
    async run(change) {
      const found: Record<string, readonly Finding[]> = {};
      for await (const { id, findings } of runChecks(await this.surroundings(change))) found[id] = findings;
      return found;
    },
    async check(id, change) {
      const check = checks.find((each) => each.id === id);
      if (check === undefined) throw new Error(`There is no check ${id}.`);
      return check.run(await this.surroundings(change));
    },
    async close() {
      setDefaultCACertificates(trusted);
      await Promise.all([manager.close(), closeApp(app)]);
    },
  };
  return stage;
}

function closeApp(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Makes Azure Resource Manager answer with the parts of this deployment. */
function serve(plant: Plant, { resources }: FakeResourceManager): void {
  const properties = (value: object) => ({ properties: value });
  const list = (value: readonly object[]) => ({ value });
  const assignmentsOn = (scope: string) => (query: URLSearchParams) => {
    const [, principal] = /^principalId eq '([^']+)'$/.exec(query.get('$filter') ?? '') ?? [];
    return list(
      plant.assignments
        // Azure also answers with the assignments above and below the scope.
        .filter(([id, , on]) => id === principal && (scope.startsWith(on) || on.startsWith(scope)))
        .map(([, role, on]) =>
          properties({
            roleDefinitionId: `/subscriptions/${subscription}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
            scope: on,
          }),
        ),
    );
  };
  const definitions = (query: URLSearchParams) => {
    const [, name = ''] = /^roleName eq '([^']+)'$/.exec(query.get('$filter') ?? '') ?? [];
    const id = plant.customRoles[name];
    return list(id === undefined ? [] : [{ name: id, properties: { roleName: name } }]);
  };
  resources.clear();
  const all: Readonly<Record<string, object | ((query: URLSearchParams) => object)>> = {
    [ids.hub]: plant.hub,
    [ids.functionApp]: plant.site,
    [below.settings]: properties(plant.settings),
    [below.functions]: list(plant.functions.map(properties)),
    [ids.storageAccount]: properties(plant.storage),
    [ids.namespace]: properties({}),
    [ids.eventHub]: properties(plant.eventHub),
    [below.consumerGroup]: properties({}),
    [below.networkRules]: properties(plant.networkRules),
    [below.components]: list([{ id: ids.component }]),
    [`${ids.hub}/providers/Microsoft.Authorization/roleDefinitions`]: definitions,
    [below.endpointHealth]: list(plant.endpointHealth),
    ...Object.fromEntries(
      [ids.hub, ids.storageAccount, ids.eventHub, ids.component].map((scope) => [
        `${scope}/providers/Microsoft.Authorization/roleAssignments`,
        assignmentsOn(scope),
      ]),
    ),
  };
  for (const [path, resource] of Object.entries(all)) resources.set(path.toLowerCase(), resource);
  for (const [path, status] of plant.refused) resources.set(path.toLowerCase(), status);
}

/** The findings that say that something is wrong or could not be looked at, with the id of their check. */
export function wrongIn(found: Readonly<Record<string, readonly Finding[]>>) {
  return Object.entries(found).flatMap(([id, findings]) =>
    findings.filter(({ state }) => state !== 'ok' && state !== 'skipped').map((each) => ({ id, ...each })),
  );
}
