/** Tests of reads and writes of twins through the service API. */
import { describe, expect, it } from 'vitest';
import { apiVersion, createDevice, createModule, newDeviceId, refusal, sharedHub } from './hub-client.ts';

const { hub, raw } = await sharedHub();

describe('the twins of the service API', () => {
  it('are patched and replaced', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    await hub.operator.updateModuleTwin(
      deviceId,
      moduleId,
      { tags: { a: 1 }, properties: { desired: { x: { y: 1, z: 2 } } } },
      '*',
    );
    await hub.operator.updateModuleTwin(deviceId, moduleId, { properties: { desired: { x: { y: null } } } }, '*');
    const { responseBody: patched } = await hub.operator.getModuleTwin(deviceId, moduleId);
    expect(patched).toMatchObject({
      tags: { a: 1 },
      version: 4,
      etag: 'AAAAAAAAAAM=',
      properties: { desired: { x: { z: 2 }, $version: 3 } },
    });
    expect(patched.properties.desired.x).toEqual({ z: 2 });

    const response = await raw('PUT', `/twins/${deviceId}/modules/${moduleId}${apiVersion}`, {
      body: JSON.stringify({ properties: { desired: { only: 1 } } }),
      headers: { 'if-match': `"${patched.etag}"` },
    });
    expect(response.status).toBe(200);
    expect(response.headers.etag).toBe('"AAAAAAAAAAQ="');
    expect(JSON.parse(response.body)).toMatchObject({
      tags: {},
      properties: { desired: { only: 1, $version: 4 }, reported: { $version: 1 } },
    });
    expect(JSON.parse(response.body).properties.desired).not.toHaveProperty('x');
  });

  it('get a new version of the desired section also by a write of tags only, as in Azure', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    await hub.operator.updateModuleTwin(deviceId, moduleId, { tags: { 'a#b': 1 } }, '*');
    const { responseBody: twin } = await hub.operator.getModuleTwin(deviceId, moduleId);
    expect(twin).toMatchObject({
      tags: { 'a#b': 1 },
      version: 3,
      etag: 'AAAAAAAAAAI=',
      properties: { desired: { $version: 2 } },
    });
  });

  it('are patched only if the ETag matches', async () => {
    const deviceId = await createDevice(hub);
    const { responseBody: twin } = await hub.operator.getTwin(deviceId);
    await hub.operator.updateTwin(deviceId, { tags: { a: 1 } }, twin.etag);
    const error = await refusal(hub.operator.updateTwin(deviceId, { tags: { a: 2 } }, twin.etag));
    expect(error.response.statusCode).toBe(412);
    expect(JSON.parse(error.responseBody).Message).toMatch(/^ErrorCode:PreconditionFailed;/);
    expect((await hub.operator.getTwin(deviceId)).responseBody.tags).toEqual({ a: 1 });
  });

  it('are updated through the Twin object of the SDK', async () => {
    const deviceId = await createDevice(hub);
    const { responseBody: twin } = await hub.operator.getTwin(deviceId);
    await twin.update({ properties: { desired: { a: 1 } } });
    await twin.update({ properties: { desired: { b: 2 } } });
    expect(twin.properties.desired).toMatchObject({ a: 1, b: 2, $version: 3 });
  });

  it('show the status, authentication and capabilities of their identity', async () => {
    const deviceId = newDeviceId();
    await hub.operator.create({ deviceId, status: 'disabled', capabilities: { iotEdge: true } });
    const { responseBody: twin } = await hub.operator.getTwin(deviceId);
    const { responseBody: device } = await hub.operator.get(deviceId);
    expect(twin).toMatchObject({
      deviceId,
      status: 'disabled',
      authenticationType: 'sas',
      capabilities: { iotEdge: true },
      deviceEtag: device.etag,
    });
    expect(twin).not.toHaveProperty('moduleId');
  });

  it('ignore reported properties that a service writes', async () => {
    const deviceId = await createDevice(hub);
    await hub.operator.updateTwin(deviceId, { properties: { reported: { forged: true }, desired: { a: 1 } } }, '*');
    expect((await hub.operator.getTwin(deviceId)).responseBody.properties.reported).not.toHaveProperty('forged');
  });

  it('refuse invalid properties and stay unchanged', async () => {
    const deviceId = await createDevice(hub);
    for (const desired of [
      { 'a.b': 1 },
      { 'a#b': 1 },
      { a: { '#': 1 } },
      { a: 'x'.repeat(5000) },
      { a: 2 ** 52 },
      Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'x'.repeat(4000)])),
    ]) {
      const error = await refusal(hub.operator.updateTwin(deviceId, { properties: { desired } }, '*'));
      expect(error.response.statusCode).toBe(400);
      expect(error.response.headers['iothub-errorcode']).toBe('ArgumentInvalid');
    }
    expect((await hub.operator.getTwin(deviceId)).responseBody).toMatchObject({ version: 2, etag: 'AAAAAAAAAAE=' });
  });

  it('are not replaced by a PUT with null', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    await hub.operator.updateModuleTwin(deviceId, moduleId, { tags: { a: 1 }, properties: { desired: { x: 1 } } }, '*');
    for (const body of [
      { properties: { desired: { x: null } } },
      { properties: { desired: { x: { y: [1], z: null } } } },
      { tags: { a: null }, properties: { desired: {} } },
      { tags: null, properties: { desired: {} } },
      { properties: { desired: null } },
    ]) {
      const response = await raw('PUT', `/twins/${deviceId}/modules/${moduleId}${apiVersion}`, {
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(400);
    }
    const { responseBody: twin } = await hub.operator.getModuleTwin(deviceId, moduleId);
    expect(twin).toMatchObject({ tags: { a: 1 }, properties: { desired: { x: 1, $version: 2 } } });
  });

  it('of modules of IoT Edge itself cannot be written by hand', async () => {
    const deviceId = newDeviceId();
    await hub.operator.create({ deviceId, capabilities: { iotEdge: true } });
    const update = { properties: { desired: { schemaVersion: '1.1' } } };
    for (const moduleId of ['$edgeAgent', '$edgeHub']) {
      const error = await refusal(hub.operator.updateModuleTwin(deviceId, moduleId, update, '*'));
      expect(error.response.statusCode).toBe(401);
      const path = `/twins/${deviceId}/modules/${moduleId}${apiVersion}`;
      expect((await raw('PUT', path, { body: JSON.stringify(update) })).status).toBe(401);
      const entry = { id: deviceId, moduleId, importMode: 'updateTwin', ...update };
      const bulk = await raw('POST', `/devices${apiVersion}`, { body: JSON.stringify([entry]) });
      expect(JSON.parse(bulk.body).errors).toMatchObject([{ moduleId, errorCode: 'IotHubUnauthorizedAccess' }]);
      expect((await hub.operator.getModuleTwin(deviceId, moduleId)).responseBody).toMatchObject({ version: 2 });
    }
  });

  it('accept __proto__ as a property name', async () => {
    const deviceId = await createDevice(hub);
    const response = await raw('PATCH', `/twins/${deviceId}${apiVersion}`, {
      body: '{"properties":{"desired":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}},"__proto__":{"tags":{"a":1}}}',
    });
    expect(response.body).toContain('"__proto__":{"polluted":1}');
    expect(JSON.parse(response.body).tags).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
