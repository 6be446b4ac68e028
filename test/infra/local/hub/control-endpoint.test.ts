import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallReport } from '../../../../infra/local/hub/calls.ts';
import { reportProperties } from '../../../../infra/local/hub/control-endpoint.ts';
import { addModule, bodyOf, eventsOf, refusal, startTestHub, type TestHub } from './hub-client.ts';

let hub: TestHub;

beforeAll(async () => {
  hub = await startTestHub();
});

afterAll(async () => {
  await hub.close();
});

const control = (path: string, init?: RequestInit) => fetch(`${hub.controlUrl}${path}`, init);

describe('the control endpoint', () => {
  it('counts calls by class, status and shared access policy', async () => {
    await hub.operator.create({ deviceId: 'counted' });
    await control('/calls', { method: 'DELETE' });
    await hub.twinkeeper.getTwin('counted');
    await hub.twinkeeper.updateTwin('counted', { tags: { a: 1 } }, '*');
    await refusal(hub.twinkeeper.getTwin('nowhere'));
    await hub.operator.createQuery('SELECT * FROM devices').next();
    await hub.operator.addDevices([{ deviceId: 'counted-too' }]);
    await hub.operator.getConfigurations();
    await hub.operator.getRegistryStatistics();
    await hub.operator.get('counted');
    const none = {
      identity: 0,
      twinRead: 0,
      twinUpdate: 0,
      query: 0,
      bulk: 0,
      configuration: 0,
      statistics: 0,
      job: 0,
      other: 0,
    };
    const { byCaller, ...total } = (await (await control('/calls')).json()) as CallReport;
    expect(total).toEqual({
      total: 8,
      byClass: { ...none, twinRead: 2, twinUpdate: 1, query: 1, bulk: 1, configuration: 1, statistics: 1, identity: 1 },
      byStatus: { 200: 7, 404: 1 },
      operationsByClass: expect.objectContaining({ bulk: 1, twinRead: 2, identity: 1 }),
      messagesByClass: { ...none, twinRead: 1, twinUpdate: 1, query: 1 },
      throttledByClass: none,
    });
    expect(byCaller.twinkeeper).toEqual({
      total: 3,
      byClass: { ...none, twinRead: 2, twinUpdate: 1 },
      byStatus: { 200: 2, 404: 1 },
      operationsByClass: { ...none, twinRead: 2, twinUpdate: 1 },
      messagesByClass: { ...none, twinRead: 1, twinUpdate: 1 },
      throttledByClass: none,
      dataActions: { 'Microsoft.Devices/IotHubs/twins/read': 2, 'Microsoft.Devices/IotHubs/twins/write': 1 },
    });
    expect(byCaller.iothubowner).toEqual({
      total: 5,
      byClass: { ...none, query: 1, bulk: 1, configuration: 1, statistics: 1, identity: 1 },
      byStatus: { 200: 5 },
      operationsByClass: expect.objectContaining({ bulk: 1 }),
      messagesByClass: { ...none, query: 1 },
      throttledByClass: none,
      dataActions: {
        'Microsoft.Devices/IotHubs/twins/read': 1,
        'Microsoft.Devices/IotHubs/devices/write': 1,
        'Microsoft.Devices/IotHubs/devices/delete': 1,
        'Microsoft.Devices/IotHubs/configurations/read': 1,
        'Microsoft.Devices/IotHubs/statistics/read': 1,
        'Microsoft.Devices/IotHubs/devices/read': 1,
      },
    });
    expect(byCaller.device).toEqual({
      total: 0,
      byClass: none,
      byStatus: {},
      operationsByClass: none,
      messagesByClass: none,
      throttledByClass: none,
      dataActions: {},
    });
  });

  it('counts events by partition', async () => {
    await hub.operator.create({ deviceId: 'eventful' });
    const { partitions, total } = (await (await control('/events')).json()) as {
      partitions: { id: string; count: number }[];
      total: number;
    };
    expect(partitions.map(({ id }) => id)).toEqual(['0', '1', '2', '3']);
    expect(partitions).toEqual(hub.log.partitionIds.map((id) => ({ id, count: hub.log.events(id).length })));
    expect(total).toBe(partitions.reduce((sum, { count }) => sum + count, 0));
  });

  it('reports properties of a device or module with any id', async () => {
    const deviceId = "a#b?c%'d$";
    await hub.operator.create({ deviceId });
    await addModule(hub, deviceId, deviceId);
    await reportProperties(hub.controlUrl, { deviceId }, { device: true });
    await reportProperties(hub.controlUrl, { deviceId, moduleId: deviceId }, { a: 1, b: 2 });
    await reportProperties(hub.controlUrl, { deviceId, moduleId: deviceId }, { a: null });
    expect((await hub.operator.getTwin(deviceId)).responseBody.properties.reported).toMatchObject({
      device: true,
      $version: 2,
    });
    const { responseBody: twin } = await hub.operator.getModuleTwin(deviceId, deviceId);
    expect(twin.properties.reported).toMatchObject({ b: 2, $version: 3 });
    expect(twin.properties.reported).not.toHaveProperty('a');
    expect(bodyOf(eventsOf(hub.log, deviceId).at(-1))).toMatchObject({
      properties: { reported: { a: null, $version: 3 } },
    });
  });

  it('says why the hub refused reported properties', async () => {
    await expect(reportProperties(hub.controlUrl, { deviceId: 'nowhere' }, {})).rejects.toThrow(
      /refused the reported properties of nowhere with 404: .*DeviceNotFound/,
    );
    await hub.operator.create({ deviceId: 'limited' });
    await expect(reportProperties(hub.controlUrl, { deviceId: 'limited' }, { 'a.b': 1 })).rejects.toThrow(/400/);
    for (const body of ['', 'null', '[]', '{'])
      expect((await control('/reported/limited', { method: 'PATCH', body })).status).toBe(400);
  });

  it('lists its requests at the root and in the 404 of an unknown path', async () => {
    expect(await (await control('/')).json()).toHaveProperty(['GET /calls']);
    const response = await control('/nothing');
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('PATCH /reported');
  });
});
