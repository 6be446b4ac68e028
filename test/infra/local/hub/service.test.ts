/** The hub's service API, with `azure-iothub` as it comes from the registry of packages. */
import { Agent, request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../../../../infra/local/hub/http-edge.ts';
import {
  authorizationFor,
  connect,
  eventsOf,
  type RawRequest,
  refusal,
  requestRaw,
  startTestHub,
  type TestHub,
} from './hub-client.ts';

let hub: TestHub;
let ids = 0;

beforeAll(async () => {
  hub = await startTestHub();
});

afterAll(async () => {
  await hub.close();
});

function newId(): string {
  ids += 1;
  return `device-${ids}`;
}

async function newDevice(): Promise<string> {
  const deviceId = newId();
  await hub.operator.create({ deviceId });
  return deviceId;
}

async function newModule(): Promise<[deviceId: string, moduleId: string]> {
  const deviceId = await newDevice();
  await hub.operator.addModule({ deviceId, moduleId: 'm' } as Parameters<typeof hub.operator.addModule>[0]);
  return [deviceId, 'm'];
}

const authorization = (policy?: 'iothubowner' | 'twinkeeper', expiry?: number) => authorizationFor(hub, policy, expiry);
const raw = (method: string, path: string, options?: RawRequest) => requestRaw(hub, method, path, options);

const version = '?api-version=2021-04-12';

describe('device identities', () => {
  it('are created with keys, read, listed, updated and deleted', async () => {
    const deviceId = newId();
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

  it('are listed no further than asked', async () => {
    await Promise.all([newDevice(), newDevice()]);
    const response = await raw('GET', `/devices${version}&top=1`);
    expect(JSON.parse(response.body)).toHaveLength(1);
    expect((await raw('GET', `/devices${version}&top=all`)).status).toBe(400);
  });

  it('may be made edge devices', async () => {
    const deviceId = newId();
    const { responseBody } = await hub.operator.create({ deviceId, capabilities: { iotEdge: true } });
    expect(responseBody.capabilities).toEqual({ iotEdge: true });
    const { responseBody: modules } = await hub.operator.getModulesOnDevice(deviceId);
    expect(modules.map(({ moduleId }) => moduleId)).toEqual(['$edgeAgent', '$edgeHub']);
  });

  it('may have thumbprints for keys', async () => {
    const deviceId = newId();
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
    const deviceId = await newDevice();
    const error = await refusal(hub.operator.create({ deviceId }));
    expect(error.response.statusCode).toBe(409);
    expect(error.name).toBe('DeviceAlreadyExistsError');
    expect(JSON.parse(error.responseBody)).toEqual({
      Message: `ErrorCode:DeviceAlreadyExists;A device with ID '${deviceId}' is already registered.`,
      ExceptionMessage: expect.stringMatching(/^Tracking ID:/),
    });
  });

  it.each(["-.+%_#*?!(),:=@$'", '.', '..', '%2F', '100%', '%%%', 'query', 'modules', '__proto__', 'constructor'])(
    'may be called %s',
    async (deviceId) => {
      await hub.operator.create({ deviceId });
      await hub.operator.addModule({ deviceId, moduleId: deviceId } as Parameters<typeof hub.operator.addModule>[0]);
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

  it.each(['a/b', 'a b', 'ä', 'x'.repeat(129)])('may not be called %s', async (deviceId) => {
    expect((await refusal(hub.operator.create({ deviceId }))).response.statusCode).toBe(400);
  });

  it('must be in the body what they are in the path', async () => {
    const response = await raw('PUT', `/devices/${newId()}${version}`, { body: '{"deviceId":"another"}' });
    expect(response.status).toBe(400);
  });
});

describe('module identities', () => {
  it('are created, read, listed, updated and deleted', async () => {
    const [deviceId, moduleId] = await newModule();
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

  it('need their device', async () => {
    const error = await refusal(
      hub.operator.addModule({ deviceId: 'nowhere', moduleId: 'm' } as Parameters<typeof hub.operator.addModule>[0]),
    );
    expect(error.name).toBe('DeviceNotFoundError');
    expect((await refusal(hub.operator.getModulesOnDevice('nowhere'))).name).toBe('DeviceNotFoundError');
  });

  it('cannot be created twice', async () => {
    const [deviceId, moduleId] = await newModule();
    const error = await refusal(
      hub.operator.addModule({ deviceId, moduleId } as Parameters<typeof hub.operator.addModule>[0]),
    );
    expect(error.response.statusCode).toBe(409);
    expect(error.response.headers['iothub-errorcode']).toBe('ModuleAlreadyExistsOnDevice');
    expect(JSON.parse(error.responseBody).errorCode).toBe(409301);
  });

  it('are updated and deleted only at the ETag that the client knows', async () => {
    const [deviceId, moduleId] = await newModule();
    const { responseBody: module } = await hub.operator.getModule(deviceId, moduleId);
    type Module = Parameters<typeof hub.operator.updateModule>[0];
    const stale = { ...module, etag: 'MTIz' } as Module;
    const error = await refusal(hub.operator.updateModule(stale));
    expect(error.response.statusCode).toBe(412);
    expect(error.name).toBe('InvalidEtagError');
    // With a module for an argument, the SDK only takes a callback.
    const remove = (given: Module) =>
      new Promise<void>((resolve, reject) => {
        hub.operator.removeModule(given, (removal) => (removal ? reject(removal) : resolve()));
      });
    expect((await refusal(remove(stale))).response.statusCode).toBe(412);
    await remove(module as Module);
    expect((await hub.operator.getModulesOnDevice(deviceId)).responseBody).toEqual([]);
  });

  it('go with their device', async () => {
    const [deviceId, moduleId] = await newModule();
    await hub.operator.delete(deviceId);
    expect((await refusal(hub.operator.getModuleTwin(deviceId, moduleId))).name).toBe('DeviceNotFoundError');
  });
});

describe('twins', () => {
  it('are patched and replaced', async () => {
    const [deviceId, moduleId] = await newModule();
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

    const response = await raw('PUT', `/twins/${deviceId}/modules/${moduleId}${version}`, {
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

  it('are patched only at the ETag that the client knows', async () => {
    const deviceId = await newDevice();
    const { responseBody: twin } = await hub.operator.getTwin(deviceId);
    await hub.operator.updateTwin(deviceId, { tags: { a: 1 } }, twin.etag);
    const error = await refusal(hub.operator.updateTwin(deviceId, { tags: { a: 2 } }, twin.etag));
    expect(error.response.statusCode).toBe(412);
    expect(JSON.parse(error.responseBody).Message).toMatch(/^ErrorCode:PreconditionFailed;/);
    expect((await hub.operator.getTwin(deviceId)).responseBody.tags).toEqual({ a: 1 });
  });

  it('are updated through the twin that the SDK gives', async () => {
    const deviceId = await newDevice();
    const { responseBody: twin } = await hub.operator.getTwin(deviceId);
    await twin.update({ properties: { desired: { a: 1 } } });
    await twin.update({ properties: { desired: { b: 2 } } });
    expect(twin.properties.desired).toMatchObject({ a: 1, b: 2, $version: 3 });
  });

  it('show the state of their identity', async () => {
    const deviceId = newId();
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

  it('have no reported properties that a service could write', async () => {
    const deviceId = await newDevice();
    await hub.operator.updateTwin(deviceId, { properties: { reported: { forged: true }, desired: { a: 1 } } }, '*');
    expect((await hub.operator.getTwin(deviceId)).responseBody.properties.reported).not.toHaveProperty('forged');
  });

  it('refuse what a twin cannot hold, and stay as they were', async () => {
    const deviceId = await newDevice();
    for (const desired of [
      { 'a.b': 1 },
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

  it('take __proto__ for a name', async () => {
    const deviceId = await newDevice();
    const response = await raw('PATCH', `/twins/${deviceId}${version}`, {
      body: '{"properties":{"desired":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}},"__proto__":{"tags":{"a":1}}}',
    });
    expect(response.body).toContain('"__proto__":{"polluted":1}');
    expect(JSON.parse(response.body).tags).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('bulk operations', () => {
  type Devices = Parameters<typeof hub.operator.addDevices>[0];
  const bulk = (entries: readonly unknown[]) => raw('POST', `/devices${version}`, { body: JSON.stringify(entries) });

  it('create a hundred modules with their twins in one call', async () => {
    const devices = Array.from({ length: 100 }, () => ({ deviceId: newId() }));
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

  it('do what can be done, and say what could not', async () => {
    const [deviceId] = await newModule();
    const [fresh, bare] = [newId(), await newDevice()];
    const entries = [
      { deviceId, moduleId: 'm' },
      { deviceId: 'nowhere', moduleId: 'm' },
      { deviceId: fresh },
      { deviceId: bare, moduleId: 'm', properties: { desired: { 'a.b': 1 } } },
    ];
    const error = await refusal(hub.operator.addDevices(entries as unknown as Devices));
    expect(error.response.statusCode).toBe(400);
    expect(error.response.headers['iothub-errorcode']).toBe('BulkRegistryOperationFailure');
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

  it('update and delete, by force or at a known ETag', async () => {
    const devices = await Promise.all([newDevice(), newDevice()]);
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

  it('patch twins, by force or at a known ETag', async () => {
    const [deviceId, moduleId] = await newModule();
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
    ['nothing', [], 400, 'ArgumentInvalid'],
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

describe('queries', () => {
  it('page through all module twins, each once', async () => {
    const deviceId = await newDevice();
    for (const moduleId of ['a', 'b', 'c'])
      await hub.operator.addModule({ deviceId, moduleId } as Parameters<typeof hub.operator.addModule>[0]);
    const query = hub.operator.createQuery('SELECT * FROM devices.modules', 2);
    const found: string[] = [];
    while (query.hasMoreResults) {
      const { result } = await query.nextAsTwin();
      expect(result.length).toBeLessThanOrEqual(2);
      found.push(...result.map((twin) => `${twin.deviceId}/${twin.moduleId}`));
    }
    expect(found).toEqual([...new Set(found)]);
    expect(found).toEqual(expect.arrayContaining(['a', 'b', 'c'].map((moduleId) => `${deviceId}/${moduleId}`)));
  });

  it('give device twins as reads give them', async () => {
    const deviceId = await newDevice();
    const { result } = await hub.operator.createQuery('select * from devices', 1000).next();
    const twin = JSON.parse((await raw('GET', `/twins/${deviceId}${version}`)).body);
    expect(result.find((found: { deviceId: string }) => found.deviceId === deviceId)).toEqual(twin);
  });

  it('are refused with a continuation of another query', async () => {
    const first = await raw('POST', `/devices/query${version}`, {
      body: '{"query":"SELECT * FROM devices"}',
      headers: { 'x-ms-max-item-count': '1' },
    });
    const continuation = String(first.headers['x-ms-continuation']);
    const next = await raw('POST', `/devices/query${version}`, {
      body: '{"query":"SELECT * FROM devices.modules"}',
      headers: { 'x-ms-continuation': continuation },
    });
    expect(next.status).toBe(400);
  });
});

describe('statistics', () => {
  it('count devices', async () => {
    const { responseBody: before } = await hub.operator.getRegistryStatistics();
    await hub.operator.create({ deviceId: newId() });
    await hub.operator.create({ deviceId: newId(), status: 'disabled' });
    const { responseBody: after } = await hub.operator.getRegistryStatistics();
    expect(after).toEqual({
      totalDeviceCount: before.totalDeviceCount + 2,
      enabledDeviceCount: before.enabledDeviceCount + 1,
      disabledDeviceCount: before.disabledDeviceCount + 1,
    });
    expect(JSON.parse((await raw('GET', `/statistics/service${version}`)).body)).toEqual({ connectedDeviceCount: 0 });
  });
});

describe('configurations', () => {
  it('are created, read, listed, updated and deleted', async () => {
    type Configuration = Parameters<typeof hub.operator.addConfiguration>[0];
    const configuration = {
      id: 'limits',
      targetCondition: '*',
      priority: 3,
      content: { moduleContent: { 'properties.desired.x': 1 } },
    } as unknown as Configuration;
    await hub.operator.addConfiguration(configuration);
    expect((await refusal(hub.operator.addConfiguration(configuration))).response.statusCode).toBe(409);
    const { responseBody: created } = await hub.operator.getConfiguration('limits');
    expect(created).toMatchObject({
      id: 'limits',
      priority: 3,
      schemaVersion: '1.0',
      content: { moduleContent: { 'properties.desired.x': 1 } },
    });
    expect((await hub.operator.getConfigurations()).responseBody).toEqual([created]);
    await hub.operator.updateConfiguration({ ...created, priority: 4 });
    expect((await refusal(hub.operator.updateConfiguration({ ...created, priority: 5 }))).response.statusCode).toBe(
      412,
    );
    expect((await hub.operator.getConfiguration('limits')).responseBody.priority).toBe(4);
    await hub.operator.removeConfiguration('limits');
    expect((await refusal(hub.operator.getConfiguration('limits'))).response.statusCode).toBe(404);
  });
});

describe('who may call', () => {
  it('is nobody without a signature, with a wrong one, or with one that has expired', async () => {
    const headers = [
      '',
      'Bearer x',
      authorization('iothubowner', 1),
      authorization('twinkeeper').replace('twinkeeper', 'iothubowner'),
    ];
    for (const header of headers) {
      const response = await raw('GET', `/devices${version}`, { headers: { authorization: header } });
      expect(response.status).toBe(401);
      expect(JSON.parse(response.body).Message).toBe('ErrorCode:IotHubUnauthorizedAccess;Unauthorized');
    }
  });

  it('is told by the SDK as unauthorized', async () => {
    const key = Buffer.from('another key').toString('base64');
    const stranger = connect(
      `HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=${key}`,
      hub.httpsPort,
      hub.ca,
    );
    try {
      expect((await refusal(stranger.registry.list())).name).toBe('UnauthorizedError');
    } finally {
      stranger.close();
    }
  });

  it('is no client that does not know the certificate authority', async () => {
    const agent = new Agent({ port: hub.httpsPort } as ConstructorParameters<typeof Agent>[0]);
    const rejected = new Promise<Error>((resolve) => {
      httpsRequest({ host: 'localhost', path: '/', agent }).on('error', resolve).end();
    });
    expect((await rejected) as NodeJS.ErrnoException).toMatchObject({
      code: expect.stringMatching(/UNABLE_TO_|SELF_SIGNED/),
    });
  });
});

describe('bad requests', () => {
  it.each([
    ['without a version of the API', 'GET', '/devices', undefined, 400, 'InvalidProtocolVersion'],
    ['to nowhere', 'GET', `/nowhere${version}`, undefined, 404, 'GenericNotFound'],
    ['to the root', 'GET', `/${version}`, undefined, 404, 'GenericNotFound'],
    ['with a method that is not there', 'POST', `/twins/x${version}`, '{}', 405, 'GenericMethodNotAllowed'],
    ['with a stray percent sign', 'GET', `/devices/100%${version}`, undefined, 400, 'ArgumentInvalid'],
    ['with half a body', 'PATCH', `/twins/x${version}`, '{"tags":', 400, 'IotHubFormatError'],
    ['with no body', 'PUT', `/devices/x${version}`, undefined, 400, 'IotHubFormatError'],
    ['with a body that is no object', 'PUT', `/devices/x${version}`, '[]', 400, 'ArgumentInvalid'],
    ['with a body of 9 MB', 'POST', `/devices${version}`, ' '.repeat(9 * 1024 * 1024), 413, 'MessageTooLarge'],
    [
      'with nesting beyond all reason',
      'PATCH',
      `/twins/x${version}`,
      `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
      400,
      'ArgumentInvalid',
    ],
    [
      'with a key that is none',
      'PUT',
      `/devices/x${version}`,
      '{"authentication":{"type":"sas","symmetricKey":{"primaryKey":"short"}}}',
      400,
      'ArgumentInvalid',
    ],
  ])('%s get the error that says so', async (_, method, path, body, status, code) => {
    const response = await raw(method, path, body === undefined ? {} : { body });
    expect(response.status).toBe(status);
    expect(response.headers['iothub-errorcode']).toBe(code);
    expect(JSON.parse(response.body).Message).toMatch(new RegExp(`^ErrorCode:${code};`));
  });
});

describe('what stands before the operations', () => {
  it('sees the call, and may answer in its place or after it', async () => {
    const seen: string[] = [];
    const throttled: Answer = {
      status: 429,
      body: { Message: 'ErrorCode:ThrottlingException;slow down', ExceptionMessage: '' },
    };
    const guarded = await startTestHub({
      before: [
        async (call, next) => {
          const answer = await next();
          seen.push(`${call.policy} ${call.callClass} ${answer.status}`);
          return answer;
        },
        async (call, next) => {
          const answer = await next();
          return call.callClass === 'statistics' ? throttled : answer;
        },
      ],
    });
    try {
      await guarded.twinkeeper.create({ deviceId: 'd' });
      const error = await refusal(guarded.operator.getRegistryStatistics());
      expect(error.name).toBe('ThrottlingError');
      expect(seen).toEqual(['twinkeeper identity 200', 'iothubowner statistics 429']);
      const calls = await (await fetch(`${guarded.controlUrl}/calls`)).json();
      expect(calls).toMatchObject({ total: 2, byStatus: { 200: 1, 429: 1 } });
    } finally {
      await guarded.close();
    }
  });
});
