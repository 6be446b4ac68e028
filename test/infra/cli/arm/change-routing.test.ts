import { describe, expect, it } from 'vitest';
import { connectSteps } from '../../../../infra/cli/arm/index.ts';
import { type FakeHub, plantHub } from '../../../support/fake-resource-manager.ts';
import { connect, disconnect, target, useRouting } from './routing-fixture.ts';

const fixture = useRouting();
const { use, change, rest, writes, routeNames } = fixture;

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
    expect(fixture.manager.hub.properties.routing.endpoints.eventHubs?.at(-1)).toEqual({
      name: 'twinkeeper',
      authenticationType: 'identityBased',
      endpointUri: 'sb://evhns-abc.servicebus.windows.net',
      entityPath: 'twin-events',
      subscriptionId: target.subscriptionId,
      resourceGroup: 'rg-plant',
    });
    expect(fixture.manager.hub.properties.routing.routes).toEqual([
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
    fixture.manager.requests.length = 0;
    expect(await change(connect)).toMatchObject({ state: 'unchanged', changes: [] });
    expect(fixture.manager.requests).toEqual(['GET']);
  });

  it('only tells the difference in a dry run', async () => {
    await use();
    const untouched = structuredClone(fixture.manager.hub);
    expect((await change(connect, true)).state).toBe('planned');
    expect(fixture.manager.hub).toEqual(untouched);
    expect(fixture.manager.requests).toEqual(['GET']);
  });

  it('completes what an earlier run left half done', async () => {
    await use();
    await change(connect);
    const { routing } = fixture.manager.hub.properties;
    routing.routes = routing.routes.filter(({ name }) => name !== 'twinkeeper-lifecycle');
    const { changes } = await change(connect);
    expect(changes).toMatchObject([{ action: 'add', what: 'route', name: 'twinkeeper-lifecycle' }]);
    expect(routeNames()).toEqual(['telemetry', 'twinkeeper-twins', 'twinkeeper-lifecycle']);
  });

  it('enables a route again that somebody disabled', async () => {
    await use();
    await change(connect);
    Object.assign(fixture.manager.hub.properties.routing.routes[1] ?? {}, { isEnabled: false });
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
    expect(fixture.manager.hub.properties.routing.fallbackRoute).toMatchObject({ isEnabled });
  });

  it('keeps telemetry on its way to the built-in endpoint of a hub that had no routing', async () => {
    const hub = plantHub();
    delete (hub.properties as { routing?: unknown }).routing;
    await use(hub);
    await change(connect);
    expect(fixture.manager.hub.properties.routing.fallbackRoute).toMatchObject({ name: '$fallback', isEnabled: true });
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
    fixture.manager.beforeWrite = () => {
      const { hub } = fixture.manager;
      hub.etag = 'BBBB=';
      hub.tags = { team: 'other' };
    };
    const { progress } = await change(connect);
    expect(writes()).toBe(2);
    expect(fixture.manager.hub.tags).toEqual({ team: 'other' });
    expect(progress.join()).toContain('Somebody else changed the hub plant-hub meanwhile');
  });

  it('gives up when its writes meet another ETag each time, and does not hammer Azure meanwhile', async () => {
    await use();
    const conflict = { status: 412, code: 'PreconditionFailed', message: 'The ETag does not match.' };
    for (let i = 0; i < 200; i++) fixture.manager.refusals.push(conflict);
    await expect(change(connect)).rejects.toThrow('Somebody else changed the hub plant-hub again. Gave up after 15');
    expect(writes()).toBeLessThan(70);
  });

  it('corrects an endpoint to the same event hub without --replace', async () => {
    await use();
    await change(connect);
    Object.assign(fixture.manager.hub.properties.routing.endpoints.eventHubs.at(-1) ?? {}, {
      resourceGroup: 'rg-hubs',
    });
    expect((await change(connect)).changes).toMatchObject([{ action: 'change', to: { resourceGroup: 'rg-plant' } }]);
  });

  it('waits for a hub that is failing over', async () => {
    const hub = plantHub();
    hub.properties.state = 'FailingOver';
    await use(hub);
    const { requests } = fixture.manager;
    const push = requests.push.bind(requests);
    requests.push = (...methods) => {
      if (requests.length === 2) fixture.manager.hub.properties.state = 'Active';
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
    fixture.manager.refusals.push(refusal, { status: 409, code: 'Conflict', message: 'in transition' });
    expect((await change(connect)).state).toBe('changed');
    await fixture.manager.close();
    await use();
    for (let i = 0; i < 100; i++) fixture.manager.refusals.push(refusal);
    await expect(change(connect)).rejects.toThrow(
      'It needs the role Azure Event Hubs Data Sender there, and new roles take minutes. Gave up after 15 minutes. Assign the role, and run the command again:\n' +
        '  az role assignment create --assignee-object-id p --assignee-principal-type ServicePrincipal --role 2b629674-e913-4c01-ae53-ef4638d8f975 ' +
        `--scope /subscriptions/${target.subscriptionId}/resourceGroups/rg-plant/providers/Microsoft.EventHub/namespaces/evhns-abc/eventhubs/twin-events`,
    );
  });

  it('does not try again what the hub refuses for good', async () => {
    await use();
    fixture.manager.refusals.push({ status: 400, code: '400001', message: 'The name is malformed.' });
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
      expect(fixture.manager.requests).toEqual(['GET']);
    },
  );

  it('takes over the endpoint of another deployment when told so', async () => {
    const hub = plantHub();
    hub.properties.routing.endpoints.eventHubs.push({ name: 'twinkeeper', endpointUri: 'sb://other' });
    await use(hub);
    await change(connectSteps(target, true));
    expect(fixture.manager.hub.properties.routing.endpoints.eventHubs).toHaveLength(2);
  });
});
