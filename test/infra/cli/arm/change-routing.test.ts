import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeRouting, connectSteps, disconnectSteps, openHub, type Steps } from '../../../../infra/cli/arm/index.ts';
import {
  type FakeHub,
  type FakeResourceManager,
  plantHub,
  startFakeResourceManager,
} from '../../../support/fake-resource-manager.ts';

const target = {
  subscriptionId: '00000000-0000-0000-0000-000000000001',
  resourceGroup: 'rg-plant',
  host: 'evhns-abc.servicebus.windows.net',
  eventHub: 'twin-events',
};
const connect = connectSteps(target, false);
const disconnect = disconnectSteps();

let before: string[];
let manager: FakeResourceManager;
const use = async (hub = plantHub()) => {
  manager = await startFakeResourceManager(hub);
  setDefaultCACertificates([...before, manager.ca]);
};
beforeEach(() => {
  before = getCACertificates('default');
});
afterEach(async () => {
  setDefaultCACertificates(before);
  await manager.close();
});

/** Changes the routing with the real SDK. Waiting takes no time. */
async function change(steps: Steps, dryRun = false) {
  let time = 0;
  const clock = {
    now: () => new Date(time),
    async sleep(milliseconds: number) {
      time += milliseconds;
    },
  };
  const progress: string[] = [];
  const hub = await openHub({
    name: 'plant-hub',
    resourceGroup: 'rg-hubs',
    subscriptionId: target.subscriptionId,
    credential: { getToken: async () => ({ token: 'x', expiresOnTimestamp: Date.now() + 3_600_000 }) },
    resourceManager: manager.url,
    pollInterval: 1,
  });
  const result = await changeRouting(hub, steps, { clock, dryRun, onProgress: (text) => progress.push(text) });
  return { ...result, progress };
}

/** The hub without what Twinkeeper may change, and without its ETag. */
function rest() {
  const { etag: _, properties, ...hub } = structuredClone(manager.hub);
  const { endpoints, routes, ...routing } = properties.routing;
  const others = routes.filter(({ name }) => !name.startsWith('twinkeeper-'));
  const eventHubs = endpoints.eventHubs.filter(({ name }) => name !== 'twinkeeper');
  return {
    ...hub,
    properties: { ...properties, routing: { ...routing, endpoints: { ...endpoints, eventHubs }, routes: others } },
  };
}

/** How often the hub was written, or refused a write. */
const writes = () => manager.requests.filter((method) => method === 'PUT').length;

const routeNames = () => manager.hub.properties.routing.routes.map(({ name }) => name);

describe('connecting a hub', () => {
  it('adds the endpoint and two routes, and keeps everything else', async () => {
    await use();
    const kept = rest();
    const { state, changes } = await change(connect);
    expect(state).toBe('changed');
    expect(changes.map(({ action, what, name }) => `${action} ${what} ${name}`)).toEqual([
      'add endpoint twinkeeper',
      'add route twinkeeper-twins',
      'add route twinkeeper-lifecycle',
    ]);
    expect(rest()).toEqual(kept);
    expect(manager.hub.properties.routing.endpoints.eventHubs?.at(-1)).toEqual({
      name: 'twinkeeper',
      authenticationType: 'identityBased',
      endpointUri: 'sb://evhns-abc.servicebus.windows.net',
      entityPath: 'twin-events',
      subscriptionId: target.subscriptionId,
      resourceGroup: 'rg-plant',
    });
    expect(manager.hub.properties.routing.routes).toEqual([
      expect.objectContaining({ name: 'telemetry' }),
      {
        name: 'twinkeeper-twins',
        source: 'TwinChangeEvents',
        condition: 'true',
        endpointNames: ['twinkeeper'],
        isEnabled: true,
      },
      {
        name: 'twinkeeper-lifecycle',
        source: 'DeviceLifecycleEvents',
        condition: 'true',
        endpointNames: ['twinkeeper'],
        isEnabled: true,
      },
    ]);
  });

  it('writes nothing in a second run', async () => {
    await use();
    await change(connect);
    manager.requests.length = 0;
    expect(await change(connect)).toMatchObject({ state: 'unchanged', changes: [] });
    expect(manager.requests).toEqual(['GET']);
  });

  it('only tells the difference in a dry run', async () => {
    await use();
    const untouched = structuredClone(manager.hub);
    expect((await change(connect, true)).state).toBe('planned');
    expect(manager.hub).toEqual(untouched);
    expect(manager.requests).toEqual(['GET']);
  });

  it('completes what an earlier run left half done', async () => {
    await use();
    await change(connect);
    const { routing } = manager.hub.properties;
    routing.routes = routing.routes.filter(({ name }) => name !== 'twinkeeper-lifecycle');
    const { changes } = await change(connect);
    expect(changes).toMatchObject([{ action: 'add', what: 'route', name: 'twinkeeper-lifecycle' }]);
    expect(routeNames()).toEqual(['telemetry', 'twinkeeper-twins', 'twinkeeper-lifecycle']);
  });

  it('enables a route again that somebody disabled', async () => {
    await use();
    await change(connect);
    Object.assign(manager.hub.properties.routing.routes[1] ?? {}, { isEnabled: false });
    const { changes } = await change(connect);
    expect(changes).toEqual([
      {
        action: 'change',
        what: 'route',
        name: 'twinkeeper-twins',
        from: { isEnabled: false },
        to: { isEnabled: true },
      },
    ]);
  });

  it.each([
    ['on', true],
    ['off', false],
  ])('leaves the fallback route %s', async (_, isEnabled) => {
    const hub = plantHub();
    if (hub.properties.routing.fallbackRoute) hub.properties.routing.fallbackRoute.isEnabled = isEnabled;
    await use(hub);
    await change(connect);
    expect(manager.hub.properties.routing.fallbackRoute).toMatchObject({ isEnabled });
  });

  it('keeps telemetry on its way to the built-in endpoint of a hub that had no routing', async () => {
    const hub = plantHub();
    delete (hub.properties as { routing?: unknown }).routing;
    await use(hub);
    await change(connect);
    expect(manager.hub.properties.routing.fallbackRoute).toMatchObject({ name: '$fallback', isEnabled: true });
  });

  it('keeps the route of Event Grid', async () => {
    const hub = plantHub();
    const routing = hub.properties.routing;
    routing.routes = [
      ...routing.routes,
      { name: 'RouteToEventGrid', source: 'DeviceMessages', endpointNames: ['events'], isEnabled: true },
    ];
    await use(hub);
    await change(connect);
    expect(routeNames()).toEqual(['telemetry', 'RouteToEventGrid', 'twinkeeper-twins', 'twinkeeper-lifecycle']);
    await change(disconnect);
    expect(routeNames()).toEqual(['telemetry', 'RouteToEventGrid']);
  });

  it('reads the hub again when somebody else was faster, and keeps what they wrote', async () => {
    await use();
    manager.beforeWrite = () => {
      const { hub } = manager;
      hub.etag = 'BBBB=';
      hub.tags = { team: 'other' };
    };
    const { progress } = await change(connect);
    expect(writes()).toBe(2);
    expect(manager.hub.tags).toEqual({ team: 'other' });
    expect(progress.join()).toContain('Somebody else changed the hub plant-hub meanwhile');
  });

  it('gives up when its writes meet another ETag each time, and does not hammer Azure meanwhile', async () => {
    await use();
    const conflict = { status: 412, code: 'PreconditionFailed', message: 'The ETag does not match.' };
    for (let i = 0; i < 200; i++) manager.refusals.push(conflict);
    await expect(change(connect)).rejects.toThrow('Somebody else changed the hub plant-hub again. Gave up after 15');
    expect(writes()).toBeLessThan(70);
  });

  it('corrects an endpoint to the same event hub without --replace', async () => {
    await use();
    await change(connect);
    Object.assign(manager.hub.properties.routing.endpoints.eventHubs.at(-1) ?? {}, { resourceGroup: 'rg-hubs' });
    expect((await change(connect)).changes).toMatchObject([{ action: 'change', to: { resourceGroup: 'rg-plant' } }]);
  });

  it('waits for a hub that is failing over', async () => {
    const hub = plantHub();
    hub.properties.state = 'FailingOver';
    await use(hub);
    const { requests } = manager;
    const push = requests.push.bind(requests);
    requests.push = (...methods) => {
      if (requests.length === 2) manager.hub.properties.state = 'Active';
      return push(...methods);
    };
    const { state, progress } = await change(connect);
    expect(state).toBe('changed');
    expect(progress.filter((text) => text.includes('FailingOver'))).toHaveLength(2);
  });

  it('waits until the right to send has spread, and says what is missing when it never does', async () => {
    await use();
    const refusal = {
      status: 400,
      code: '400140',
      message: 'Endpoint validation failed: access to the entity is unauthorized.',
    };
    manager.refusals.push(refusal, { status: 409, code: 'Conflict', message: 'in transition' });
    expect((await change(connect)).state).toBe('changed');
    await manager.close();
    await use();
    for (let i = 0; i < 100; i++) manager.refusals.push(refusal);
    await expect(change(connect)).rejects.toThrow(
      'It needs the role Azure Event Hubs Data Sender there, and new roles take minutes. Gave up after 15 minutes. Assign the role, and run the command again:\n' +
        '  az role assignment create --assignee-object-id p --assignee-principal-type ServicePrincipal --role 2b629674-e913-4c01-ae53-ef4638d8f975 ' +
        `--scope /subscriptions/${target.subscriptionId}/resourceGroups/rg-plant/providers/Microsoft.EventHub/namespaces/evhns-abc/eventhubs/twin-events`,
    );
  });

  it('does not try again what the hub refuses for good', async () => {
    await use();
    manager.refusals.push({ status: 400, code: '400001', message: 'The name is malformed.' });
    await expect(change(connect)).rejects.toThrow('The name is malformed.');
    expect(writes()).toBe(1);
  });

  it.each([
    [
      'has no identity',
      (hub) => {
        delete hub.identity;
      },
      /az iot hub identity assign --name plant-hub --resource-group rg-hubs --system-assigned/,
    ],
    [
      'is free and has an endpoint already',
      (hub) => {
        hub.sku.name = 'F1';
      },
      /has 1 custom endpoints, and 1 is the most/,
    ],
    [
      'is of the new generation',
      (hub) => {
        hub.sku.name = 'GEN2';
      },
      /new generation.*message-endpoint create eventhub .*--identity '\[system\]' --endpoint-uri sb:\/\/evhns-abc\S+ --entity-path twin-events --endpoint-resource-group rg-plant --endpoint-subscription-id 0000\S+\n {2}az iot hub message-route create --hub-name plant-hub --route-name twinkeeper-twins --source-type TwinChangeEvents/s,
    ],
    [
      'has an endpoint of another kind with the same name',
      (hub) => {
        hub.properties.routing.endpoints.serviceBusQueues?.push({ name: 'Twinkeeper' });
      },
      /has an endpoint twinkeeper of another kind, in serviceBusQueues\. Remove that endpoint/,
    ],
    [
      'has no identity and an odd resource group',
      (hub) => {
        delete hub.identity;
        hub.id = '/subscriptions/s/resourceGroups/rg (plant)/providers/Microsoft.Devices/IotHubs/plant-hub';
      },
      /--resource-group 'rg \(plant\)' --system-assigned/,
    ],
    [
      'has a setting that a write would lose',
      (hub) => {
        hub.properties.ipVersion = 'ipv4ipv6';
      },
      /would lose: properties.ipVersion\. It was not changed/,
    ],
    [
      'sends to another deployment',
      (hub) => {
        hub.properties.routing.endpoints.eventHubs.push({
          name: 'twinkeeper',
          endpointUri: 'sb://other',
          entityPath: 'x',
        });
      },
      /leads elsewhere: sb:\/\/other, x.*--replace/,
    ],
  ] as readonly [string, (hub: FakeHub) => void, RegExp][])(
    'refuses a hub that %s, says what to do, and writes nothing',
    async (_, prepare, message) => {
      const hub = plantHub();
      prepare(hub);
      await use(hub);
      await expect(change(connect)).rejects.toThrow(message);
      expect(manager.requests).toEqual(['GET']);
    },
  );

  it('takes over the endpoint of another deployment when told so', async () => {
    const hub = plantHub();
    hub.properties.routing.endpoints.eventHubs.push({ name: 'twinkeeper', endpointUri: 'sb://other' });
    await use(hub);
    await change(connectSteps(target, true));
    expect(manager.hub.properties.routing.endpoints.eventHubs).toHaveLength(2);
  });
});

describe('disconnecting a hub', () => {
  it('removes the routes first, then the endpoint, and leaves the hub as it was before', async () => {
    await use();
    const { etag: _, ...original } = structuredClone(manager.hub);
    await change(connect);
    manager.requests.length = 0;
    const { changes } = await change(disconnect);
    expect(changes.map(({ what, name }) => `${what} ${name}`)).toEqual([
      'route twinkeeper-twins',
      'route twinkeeper-lifecycle',
      'endpoint twinkeeper',
    ]);
    expect(writes()).toBe(2);
    expect(manager.hub).toMatchObject(original);
    expect((await change(disconnect)).state).toBe('unchanged');
  });

  it('shows all steps in a dry run', async () => {
    await use();
    await change(connect);
    expect((await change(disconnect, true)).changes).toHaveLength(3);
    expect(routeNames()).toContain('twinkeeper-twins');
  });

  it('goes on where an interrupted run stopped', async () => {
    await use();
    await change(connect);
    const { routing } = manager.hub.properties;
    routing.routes = routing.routes.filter(({ name }) => name === 'telemetry');
    expect((await change(disconnect)).changes).toMatchObject([{ what: 'endpoint' }]);
  });

  it('leaves the endpoint when a route of somebody else uses it', async () => {
    await use();
    await change(connect);
    manager.hub.properties.routing.routes.push({
      name: 'mine',
      source: 'DeviceMessages',
      endpointNames: ['twinkeeper'],
      isEnabled: true,
    });
    await expect(change(disconnect)).rejects.toThrow('other routes use it: mine');
    expect(routeNames()).toEqual(['telemetry', 'mine']);
  });

  it('leaves the endpoint and the routes of another deployment, and says so', async () => {
    await use();
    await change(connect);
    const connected = structuredClone(manager.hub);
    const { state, progress } = await change(disconnectSteps({ ...target, eventHub: 'other-events' }));
    expect(state).toBe('unchanged');
    expect(progress).toEqual([
      'The endpoint twinkeeper of the hub plant-hub leads to another deployment (sb://evhns-abc.servicebus.windows.net, twin-events), so it stays.',
    ]);
    expect(manager.hub).toEqual(connected);
    expect((await change(disconnectSteps(target))).changes).toHaveLength(3);
  });

  it('leaves the endpoint when a message enrichment uses it', async () => {
    await use();
    await change(connect);
    const enrichment = { key: 'line', value: '$twin.tags.line', endpointNames: ['twinkeeper'] };
    (manager.hub.properties.routing.enrichments as unknown[]).push(enrichment);
    await expect(change(disconnect)).rejects.toThrow('message enrichments use it: line. Remove these enrichments');
  });

  it('names the commands that remove the routes and the endpoint of a hub that it cannot write', async () => {
    await use();
    await change(connect);
    manager.hub.sku.name = 'GEN2';
    await expect(change(disconnect)).rejects.toThrow(
      '  az iot hub message-route delete --hub-name plant-hub --route-name twinkeeper-twins\n' +
        '  az iot hub message-route delete --hub-name plant-hub --route-name twinkeeper-lifecycle\n' +
        '  az iot hub message-endpoint delete --hub-name plant-hub --endpoint-name twinkeeper',
    );
  });
});
