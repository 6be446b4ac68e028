/** Tests of device and module identities in the service API, through the SDK `azure-iothub`. */
import { describe, expect, it } from 'vitest';
import {
  addModule,
  apiVersion,
  createDevice,
  createModule,
  eventsOf,
  newDeviceId,
  refusal,
  sharedHub,
} from './hub-client.ts';

const { hub, raw } = await sharedHub();

describe('device identities', () => {
  it('are created with keys, read, listed, updated and deleted', async () => {
    const deviceId = newDeviceId();
    const { responseBody: created } = await hub.operator.create({ deviceId });
    expect(created).toMatchObject({
      deviceId,
      status: 'enabled',
      connectionState: 'Disconnected',
      capabilities: { iotEdge: false },
    });
    const { symmetricKey, type } = created.authentication as unknown as {
      symmetricKey: Record<string, string>;
      type: string;
    };
    expect(type).toBe('sas');
    expect(Buffer.from(String(symmetricKey.primaryKey), 'base64')).toHaveLength(32);
    expect(symmetricKey.primaryKey).not.toBe(symmetricKey.secondaryKey);

    expect((await hub.operator.get(deviceId)).responseBody).toEqual(created);
    expect((await hub.operator.list()).responseBody.map((device) => device.deviceId)).toContain(deviceId);

    const { responseBody: updated } = await hub.operator.update({ deviceId, status: 'disabled', statusReason: 'lost' });
    expect(updated).toMatchObject({ status: 'disabled', statusReason: 'lost' });

    await hub.operator.delete(deviceId);
    const error = await refusal(hub.operator.get(deviceId));
    expect(error.name).toBe('DeviceNotFoundError');
  });

  it('are listed up to the requested number', async () => {
    await Promise.all([createDevice(hub), createDevice(hub)]);
    const response = await raw('GET', `/devices${apiVersion}&top=1`);
    expect(JSON.parse(response.body)).toHaveLength(1);
    expect((await raw('GET', `/devices${apiVersion}&top=all`)).status).toBe(400);
  });

  it('may be IoT Edge devices, with the modules of the edge runtime', async () => {
    const deviceId = newDeviceId();
    const { responseBody } = await hub.operator.create({ deviceId, capabilities: { iotEdge: true } });
    expect(responseBody.capabilities).toEqual({ iotEdge: true });
    const { responseBody: modules } = await hub.operator.getModulesOnDevice(deviceId);
    expect(modules.map(({ moduleId }) => moduleId)).toEqual(['$edgeAgent', '$edgeHub']);
  });

  it('have a scope of their own if they are IoT Edge devices, and may be in the scope of a parent', async () => {
    const { responseBody: edge } = await hub.operator.create({
      deviceId: newDeviceId(),
      capabilities: { iotEdge: true },
    });
    const scope = `ms-azure-iot-edge://${edge.deviceId}-${edge.generationId}`;
    expect(edge).toMatchObject({ deviceScope: scope, parentScopes: [] });
    expect((await hub.operator.getTwin(edge.deviceId)).responseBody).toMatchObject({
      deviceScope: scope,
      parentScopes: [],
    });

    const lower = { deviceId: newDeviceId(), capabilities: { iotEdge: true }, parentScopes: [scope] };
    const { responseBody: nested } = await hub.operator.create(lower);
    expect(nested).toMatchObject({ parentScopes: [scope] });
    // The scope of an IoT Edge device cannot be changed, and an update that has no scope keeps the parent.
    const changed = { deviceId: lower.deviceId, deviceScope: scope, status: 'disabled' } as const;
    const { responseBody: updated } = await hub.operator.update(changed);
    expect(updated).toMatchObject({
      deviceScope: `ms-azure-iot-edge://${nested.deviceId}-${nested.generationId}`,
      parentScopes: [scope],
      status: 'disabled',
    });

    const { responseBody: leaf } = await hub.operator.create({ deviceId: newDeviceId(), deviceScope: scope });
    expect(leaf).toMatchObject({ deviceScope: scope, parentScopes: [scope] });
    const query = hub.operator.createQuery(`SELECT deviceId FROM devices WHERE deviceScope = '${scope}'`);
    const { result } = (await query.next()) as { result: readonly { deviceId: string }[] };
    expect(result.map(({ deviceId }) => deviceId).toSorted()).toEqual([edge.deviceId, leaf.deviceId].toSorted());

    const { responseBody: orphan } = await hub.operator.update({ deviceId: leaf.deviceId, deviceScope: '' });
    expect(orphan).not.toHaveProperty('deviceScope');
    expect(orphan).not.toHaveProperty('parentScopes');
  });

  it.each([
    [{ deviceScope: 'edge-1' }, 'A device scope must look like ms-azure-iot-edge://ID-TICKS, not "edge-1"'],
    [{ parentScopes: 'x' }, 'parentScopes must be a list of at most one scope, not "x"'],
    [{ parentScopes: ['ms-azure-iot-edge://a-1', 'ms-azure-iot-edge://b-1'] }, 'at most one scope'],
  ])('are refused with the scopes %j', async (scopes, message) => {
    const error = await refusal(hub.operator.create({ deviceId: newDeviceId(), ...scopes } as { deviceId: string }));
    expect(error.response.statusCode).toBe(400);
    expect(error.responseBody).toContain(message.replaceAll('"', '\\"'));
  });

  it('may have thumbprints instead of keys', async () => {
    const deviceId = newDeviceId();
    const thumbprint = 'AB'.repeat(20);
    const authentication = { x509Thumbprint: { primaryThumbprint: thumbprint, secondaryThumbprint: thumbprint } };
    const { responseBody } = await hub.operator.create({ deviceId, authentication });
    expect(responseBody.authentication).toMatchObject({
      type: 'selfSigned',
      symmetricKey: { primaryKey: null },
      x509Thumbprint: { primaryThumbprint: thumbprint },
    });
  });

  it('cannot be created twice', async () => {
    const deviceId = await createDevice(hub);
    const error = await refusal(hub.operator.create({ deviceId }));
    expect(error.response.statusCode).toBe(409);
    expect(error.name).toBe('DeviceAlreadyExistsError');
    expect(JSON.parse(error.responseBody)).toEqual({
      Message: `ErrorCode:DeviceAlreadyExists;A device with ID '${deviceId}' is already registered.`,
      ExceptionMessage: expect.stringMatching(/^Tracking ID:/),
    });
  });

  it.each(["-.+%_#*?!(),:=@$'", '.', '..', '%2F', '100%', '%%%', 'query', 'modules', '__proto__', 'constructor'])(
    'may have the id %s',
    async (deviceId) => {
      await hub.operator.create({ deviceId });
      await addModule(hub, deviceId, deviceId);
      await hub.operator.updateModuleTwin(deviceId, deviceId, { tags: { seen: true } }, '*');
      expect((await hub.operator.get(deviceId)).responseBody.deviceId).toBe(deviceId);
      expect((await hub.operator.getTwin(deviceId)).responseBody.deviceId).toBe(deviceId);
      expect((await hub.operator.getModuleTwin(deviceId, deviceId)).responseBody).toMatchObject({
        deviceId,
        moduleId: deviceId,
        tags: { seen: true },
      });
      await hub.operator.removeModule(deviceId, deviceId);
      await hub.operator.delete(deviceId);
      expect(eventsOf(hub.log, deviceId)).toHaveLength(5);
    },
  );

  it.each(['a/b', 'a b', 'ä', 'x'.repeat(129)])('may not have the id %s', async (deviceId) => {
    expect((await refusal(hub.operator.create({ deviceId }))).response.statusCode).toBe(400);
  });

  it('must have the same id in the body as in the path', async () => {
    const response = await raw('PUT', `/devices/${newDeviceId()}${apiVersion}`, { body: '{"deviceId":"another"}' });
    expect(response.status).toBe(400);
  });
});

describe('module identities', () => {
  it('have no id that begins with $, which is for modules of IoT Edge itself', async () => {
    const deviceId = await createDevice(hub);
    for (const moduleId of ['$edgeAgent', '$mine']) {
      const error = await refusal(addModule(hub, deviceId, moduleId));
      expect(error.response.statusCode).toBe(400);
      expect(error.response.headers['iothub-errorcode']).toBe('ArgumentInvalid');
      const entries = [{ id: deviceId, moduleId, importMode: 'create' }];
      const bulk = await raw('POST', `/devices${apiVersion}`, { body: JSON.stringify(entries) });
      expect(JSON.parse(bulk.body).errors).toMatchObject([{ deviceId, moduleId, errorCode: 'ArgumentInvalid' }]);
    }
    expect((await hub.operator.getModulesOnDevice(deviceId)).responseBody).toEqual([]);
  });

  it('are created, read, listed, updated and deleted', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    const { responseBody: module } = await hub.operator.getModule(deviceId, moduleId);
    expect(module).toMatchObject({
      deviceId,
      moduleId,
      authentication: { type: 'sas', symmetricKey: { primaryKey: expect.any(String) } },
    });
    expect((await hub.operator.getModulesOnDevice(deviceId)).responseBody).toEqual([module]);
    await hub.operator.updateModule({ ...module, managedBy: 'somebody' } as Parameters<
      typeof hub.operator.updateModule
    >[0]);
    expect((await hub.operator.getModule(deviceId, moduleId)).responseBody.managedBy).toBe('somebody');
    await hub.operator.removeModule(deviceId, moduleId);
    const error = await refusal(hub.operator.getModule(deviceId, moduleId));
    expect(error.response.statusCode).toBe(404);
    expect(error.response.headers['iothub-errorcode']).toBe('ModuleNotFound');
    expect(JSON.parse(error.responseBody).Message).toMatch(/^ErrorCode:ModuleNotFound;/);
  });

  it('need an existing device', async () => {
    const error = await refusal(addModule(hub, 'nowhere', 'm'));
    expect(error.name).toBe('DeviceNotFoundError');
    expect((await refusal(hub.operator.getModulesOnDevice('nowhere'))).name).toBe('DeviceNotFoundError');
  });

  it('cannot be created twice', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    const error = await refusal(addModule(hub, deviceId, moduleId));
    expect(error.response.statusCode).toBe(409);
    expect(error.response.headers['iothub-errorcode']).toBe('ModuleAlreadyExistsOnDevice');
    expect(JSON.parse(error.responseBody).errorCode).toBe(409301);
  });

  it('are updated and deleted only if the ETag matches', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    const { responseBody: module } = await hub.operator.getModule(deviceId, moduleId);
    type Module = Parameters<typeof hub.operator.updateModule>[0];
    const stale = { ...module, etag: 'MTIz' } as Module;
    const error = await refusal(hub.operator.updateModule(stale));
    expect(error.response.statusCode).toBe(412);
    expect(error.name).toBe('InvalidEtagError');
    // When the argument is a module, the SDK supports only a callback and not a promise.
    const remove = (target: Module) =>
      new Promise<void>((resolve, reject) => {
        hub.operator.removeModule(target, (failure) => (failure ? reject(failure) : resolve()));
      });
    expect((await refusal(remove(stale))).response.statusCode).toBe(412);
    await remove(module as Module);
    expect((await hub.operator.getModulesOnDevice(deviceId)).responseBody).toEqual([]);
  });

  it('are deleted with their device', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    await hub.operator.delete(deviceId);
    expect((await refusal(hub.operator.getModuleTwin(deviceId, moduleId))).name).toBe('DeviceNotFoundError');
  });
});
