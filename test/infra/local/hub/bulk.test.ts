/** Tests of the bulk operations of the service API. */
import { describe, expect, it } from 'vitest';
import { apiVersion, createDevice, createModule, eventsOf, newDeviceId, refusal, sharedHub } from './hub-client.ts';

const { hub, raw } = await sharedHub();

describe('bulk operations', () => {
  type Devices = Parameters<typeof hub.operator.addDevices>[0];
  const bulk = (entries: readonly unknown[]) => raw('POST', `/devices${apiVersion}`, { body: JSON.stringify(entries) });

  it('create a hundred modules with twins in one call', async () => {
    const devices = Array.from({ length: 100 }, () => ({ deviceId: newDeviceId() }));
    await hub.operator.addDevices(devices);
    const modules = devices.map(({ deviceId }) => ({
      deviceId,
      moduleId: 'm',
      tags: { a: 1 },
      properties: { desired: { x: { y: 1 } } },
    }));
    const { responseBody } = await hub.operator.addDevices(modules as unknown as Devices);
    expect(responseBody).toEqual({ isSuccessful: true, errors: [], warnings: [] });
    for (const { deviceId } of devices) {
      const { responseBody: twin } = await hub.operator.getModuleTwin(deviceId, 'm');
      expect(twin).toMatchObject({
        version: 2,
        tags: { a: 1 },
        properties: { desired: { x: { y: 1 }, $metadata: { x: { y: { $lastUpdatedVersion: 1 } } }, $version: 1 } },
      });
      expect(eventsOf(hub.log, deviceId).map((event) => event.applicationProperties.opType)).toEqual([
        'createDeviceIdentity',
        'createDeviceIdentity',
      ]);
    }
  });

  it('apply the valid entries and list the failed ones', async () => {
    const [deviceId] = await createModule(hub);
    const [fresh, bare] = [newDeviceId(), await createDevice(hub)];
    const entries = [
      { deviceId, moduleId: 'm' },
      { deviceId: 'nowhere', moduleId: 'm' },
      { deviceId: fresh },
      { deviceId: bare, moduleId: 'm', properties: { desired: { 'a.b': 1 } } },
    ];
    const error = await refusal(hub.operator.addDevices(entries as unknown as Devices));
    expect(error.response.statusCode).toBe(400);
    expect(error.response.headers['iothub-errorcode']).toBe('BulkRegistryOperationFailure');
    // Microsoft's .NET client reads this header.
    expect(error.response.headers.iothuberrorcode).toBe('BulkRegistryOperationFailure');
    const result = JSON.parse(error.responseBody);
    expect(result).toMatchObject({ isSuccessful: false, warnings: [] });
    expect(result.errors).toEqual([
      { deviceId, moduleId: 'm', errorCode: 'ModuleAlreadyExistsOnDevice', errorStatus: expect.any(String) },
      { deviceId: 'nowhere', moduleId: 'm', errorCode: 'DeviceNotFound', errorStatus: expect.any(String) },
      { deviceId: bare, moduleId: 'm', errorCode: 'ArgumentInvalid', errorStatus: expect.stringContaining('a.b') },
    ]);
    expect((await hub.operator.get(fresh)).responseBody.deviceId).toBe(fresh);
    expect((await hub.operator.getModulesOnDevice(bare)).responseBody).toEqual([]);
  });

  it('update and delete devices, by force or only if the ETag matches', async () => {
    const devices = await Promise.all([createDevice(hub), createDevice(hub)]);
    const { responseBody: first } = await hub.operator.get(devices[0]);
    const disabled = devices.map((deviceId) => ({ deviceId, status: 'disabled', etag: first.etag }));
    const error = await refusal(hub.operator.updateDevices(disabled as Devices, false));
    expect(JSON.parse(error.responseBody).errors).toEqual([
      { deviceId: devices[1], errorCode: 'PreconditionFailed', errorStatus: expect.any(String) },
    ]);
    await hub.operator.updateDevices(disabled as Devices, true);
    for (const deviceId of devices) expect((await hub.operator.get(deviceId)).responseBody.status).toBe('disabled');
    expect((await refusal(hub.operator.removeDevices(disabled as Devices, false))).response.statusCode).toBe(400);
    await hub.operator.removeDevices(disabled as Devices, true);
    expect((await refusal(hub.operator.get(devices[0]))).name).toBe('DeviceNotFoundError');
  });

  it('patch twins, by force or only if the ETag matches', async () => {
    const [deviceId, moduleId] = await createModule(hub);
    const entry = { id: deviceId, moduleId, properties: { desired: { a: 1 } } };
    expect((await bulk([{ ...entry, importMode: 'updateTwin' }])).status).toBe(200);
    const known = { ...entry, importMode: 'updateTwinIfMatchETag', properties: { desired: { a: 2 } } };
    expect((await bulk([{ ...known, twinETag: 'AAAAAAAAAAE=' }])).body).toContain('PreconditionFailed');
    expect((await bulk([{ ...known, twinETag: 'AAAAAAAAAAI=' }])).status).toBe(200);
    expect((await bulk([known])).body).toContain('needs twinETag');
    const { responseBody: twin } = await hub.operator.getModuleTwin(deviceId, moduleId);
    expect(twin.properties.desired).toMatchObject({ a: 2, $version: 3 });
  });

  it.each([
    ['no entries', [], 400, 'ArgumentInvalid'],
    [
      'more than a hundred entries',
      Array.from({ length: 101 }, (_, i) => ({ id: `many-${i}`, importMode: 'create' })),
      413,
      'TooManyDevices',
    ],
    [
      'a device twice',
      [
        { id: 'twice', importMode: 'create' },
        { id: 'twice', moduleId: 'm', importMode: 'create' },
      ],
      400,
      'DeviceDefinedMultipleTimes',
    ],
    ['an unknown import mode', [{ id: 'x', importMode: 'constructor' }], 400, 'ArgumentInvalid'],
    ['no id', [{ importMode: 'create' }], 400, 'ArgumentInvalid'],
  ] as const)('are refused as a whole with %s', async (_, entries, status, code) => {
    const response = await bulk(entries);
    expect(response.status).toBe(status);
    expect(JSON.parse(response.body).Message).toMatch(new RegExp(`^ErrorCode:${code};`));
    expect((await refusal(hub.operator.get('twice'))).name).toBe('DeviceNotFoundError');
  });
});
