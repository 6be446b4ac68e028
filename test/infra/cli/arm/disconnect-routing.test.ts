import { describe, expect, it } from 'vitest';
import { disconnectSteps } from '../../../../infra/cli/arm/index.ts';
import { connect, disconnect, target, useRouting } from './routing-fixture.ts';

const fixture = useRouting();
const { use, change, writes, routeNames } = fixture;

describe('disconnecting a hub', () => {
  it('removes the routes first, then the endpoint, and leaves the hub as it was before', async () => {
    await use();
    const { etag: _, ...original } = structuredClone(fixture.manager.hub);
    await change(connect);
    fixture.manager.requests.length = 0;
    const { changes } = await change(disconnect);
    expect(changes.map(({ what, name }) => `${what} ${name}`)).toEqual([
      'route twinkeeper-twins',
      'route twinkeeper-lifecycle',
      'endpoint twinkeeper',
    ]);
    expect(writes()).toBe(2);
    expect(fixture.manager.hub).toMatchObject(original);
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
    const { routing } = fixture.manager.hub.properties;
    routing.routes = routing.routes.filter(({ name }) => name === 'telemetry');
    expect((await change(disconnect)).changes).toMatchObject([{ what: 'endpoint' }]);
  });

  it('leaves the endpoint when a route of somebody else uses it', async () => {
    await use();
    await change(connect);
    fixture.manager.hub.properties.routing.routes.push({
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
    const connected = structuredClone(fixture.manager.hub);
    const { state, progress } = await change(disconnectSteps({ ...target, eventHub: 'other-events' }));
    expect(state).toBe('unchanged');
    expect(progress).toEqual([
      'The endpoint twinkeeper of the hub plant-hub leads to another deployment (sb://evhns-abc.servicebus.windows.net, twin-events), so it stays.',
    ]);
    expect(fixture.manager.hub).toEqual(connected);
    expect((await change(disconnectSteps(target))).changes).toHaveLength(3);
  });

  it('leaves the endpoint when a message enrichment uses it', async () => {
    await use();
    await change(connect);
    const enrichment = { key: 'line', value: '$twin.tags.line', endpointNames: ['twinkeeper'] };
    (fixture.manager.hub.properties.routing.enrichments as unknown[]).push(enrichment);
    await expect(change(disconnect)).rejects.toThrow('message enrichments use it: line. Remove these enrichments');
  });

  it('names the commands that remove the routes and the endpoint of a hub that it cannot write', async () => {
    await use();
    await change(connect);
    fixture.manager.hub.sku.name = 'GEN2';
    await expect(change(disconnect)).rejects.toThrow(
      '  az iot hub message-route delete --hub-name plant-hub --route-name twinkeeper-twins\n' +
        '  az iot hub message-route delete --hub-name plant-hub --route-name twinkeeper-lifecycle\n' +
        '  az iot hub message-endpoint delete --hub-name plant-hub --endpoint-name twinkeeper',
    );
  });
});
