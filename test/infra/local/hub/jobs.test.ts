import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createBlobFolders } from '../../../../shared/storage/index.ts';
import { newDeviceId, startWorld, type World } from '../../../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await setPace({ seconds: 0 });
});
afterAll(() => world.close());

async function setPace(pace: object): Promise<void> {
  const response = await fetch(`${world.hub.controlUrl}/jobs`, { method: 'PUT', body: JSON.stringify(pace) });
  expect(response.status).toBe(200);
}

async function callsByClass(): Promise<Readonly<Record<string, number>>> {
  const answer = await fetch(`${world.hub.controlUrl}/calls`);
  return ((await answer.json()) as { byClass: Record<string, number> }).byClass;
}

/** A container that a job may use, and its address with a signature. */
async function newContainer() {
  const folders = createBlobFolders(world.storage, 'jobs-', () => new Date());
  const folder = await folders.open(newDeviceId('c').toLowerCase());
  const service = BlobServiceClient.fromConnectionString(world.storage.connectionString);
  const container = service.getContainerClient(folder.name);
  return {
    url: await folder.sharedUrl(1),
    write: (lines: readonly object[]) =>
      folder.write('devices.txt', lines.map((line) => JSON.stringify(line)).join('\n')),
    async read(blob: string): Promise<readonly Record<string, unknown>[]> {
      const text = (await container.getBlobClient(blob).downloadToBuffer()).toString();
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

/** The fields of a job. The types of the SDK have none. */
function fieldsOf(job: object) {
  return job as { readonly jobId: string; readonly status: string; readonly progress: number };
}

/** Imports the blob of a container, and waits for the end of the job. */
async function imported(url: string): Promise<void> {
  const { jobId } = fieldsOf(await world.operator.importDevicesFromBlob(url, url));
  expect(await ended(jobId)).toMatchObject({ status: 'completed', progress: 100 });
}

/** Exports the registry into a container, and waits for the end of the job. */
async function exported(url: string, excludeKeys: boolean): Promise<void> {
  const { jobId } = fieldsOf(await world.operator.exportDevicesToBlob(url, excludeKeys));
  expect(await ended(jobId)).toMatchObject({ status: 'completed', progress: 100 });
}

async function ended(jobId: string) {
  return vi.waitFor(async () => {
    const job = fieldsOf(await world.operator.getJob(jobId));
    expect(['completed', 'failed', 'cancelled']).toContain(job.status);
    return job;
  }, 30_000);
}

describe('an import job', () => {
  it('creates modules with their twins and keys, and lists the lines that failed', async () => {
    const { operator } = world;
    const container = await newContainer();
    const [plain, full, gone] = [newDeviceId(), newDeviceId(), newDeviceId()];
    await operator.addDevices([{ deviceId: plain }, { deviceId: full }]);
    await operator.addModule({ deviceId: full, moduleId: 'agent' });
    const line = { moduleId: 'agent', importMode: 'create', properties: { desired: { mode: 'High' } }, tags: { a: 1 } };
    await container.write([plain, full, gone].map((id) => ({ id, ...line })));
    const { jobId } = fieldsOf(await operator.importDevicesFromBlob(container.url, container.url));
    expect(await ended(jobId)).toMatchObject({ status: 'completed', progress: 100, type: 'import' });

    const { responseBody: twin } = await operator.getModuleTwin(plain, 'agent');
    expect(twin).toMatchObject({ tags: { a: 1 }, properties: { desired: { mode: 'High' } } });
    const { responseBody: module } = await operator.getModule(plain, 'agent');
    expect(module.authentication?.symmetricKey?.primaryKey).toMatch(/^[\w+/]{40,}=*$/);
    expect((await container.read('importErrors.log')).map(({ deviceId, errorCode }) => [deviceId, errorCode])).toEqual([
      [full, 'ModuleAlreadyExistsOnDevice'],
      [gone, 'DeviceNotFound'],
    ]);
  });

  it.each([
    ['createOrUpdate, which is also the default', undefined],
    ['createOrUpdateIfMatchETag with the right ETag', 'createOrUpdateIfMatchETag'],
  ])('creates and overwrites identities and twins with %s', async (_, importMode) => {
    const { operator } = world;
    const container = await newContainer();
    const [known, unknown] = [newDeviceId(), newDeviceId()];
    const { responseBody: device } = await operator.create({ deviceId: known });
    await operator.updateTwin(known, { tags: { kept: 1 } }, '*');
    const fields = { status: 'disabled', tags: { site: 'x' }, properties: { desired: { a: 1 } } };
    await container.write([known, unknown].map((id) => ({ id, importMode, eTag: device.etag, ...fields })));
    await imported(container.url);
    expect(await container.read('importErrors.log')).toEqual([]);
    for (const [id, tags] of [
      [known, { kept: 1, site: 'x' }],
      [unknown, { site: 'x' }],
    ] as const) {
      expect((await operator.getTwin(id)).responseBody).toMatchObject({
        status: 'disabled',
        tags,
        properties: { desired: { a: 1 } },
      });
    }
  });

  it('changes nothing where a line fails', async () => {
    const { operator } = world;
    const container = await newContainer();
    const ids = [newDeviceId(), newDeviceId(), newDeviceId()];
    await operator.addDevices(ids.map((deviceId) => ({ deviceId })));
    const fields = { status: 'disabled', tags: { site: 'x' } };
    await container.write([
      { id: ids[0], importMode: 'createOrUpdateIfMatchETag', eTag: 'MA==', ...fields },
      { id: ids[1], importMode: 'createOrUpdate', twinETag: 'AAAAAAAAAAk=', ...fields },
      { id: ids[2], importMode: 'createOrUpdate', ...fields, tags: { long: 'x'.repeat(5000) } },
    ]);
    await imported(container.url);
    expect((await container.read('importErrors.log')).map(({ deviceId, errorCode }) => [deviceId, errorCode])).toEqual([
      [ids[0], 'PreconditionFailed'],
      [ids[1], 'PreconditionFailed'],
      [ids[2], 'ArgumentInvalid'],
    ]);
    for (const id of ids) {
      const { responseBody: twin } = await operator.getTwin(id);
      expect(twin).toMatchObject({ status: 'enabled' });
      expect(twin.tags ?? {}).toEqual({});
    }
  });

  it('causes the events of single creations, and skips the modules of IoT Edge itself', async () => {
    const container = await newContainer();
    const deviceId = newDeviceId();
    await container.write([
      { id: deviceId, importMode: 'create' },
      { id: deviceId, moduleId: '$edgeAgent', importMode: 'create' },
      { id: deviceId, moduleId: 'agent', importMode: 'create', properties: { desired: { mode: 'Off' } } },
    ]);
    await imported(container.url);
    expect(await container.read('importErrors.log')).toEqual([]);
    const { log } = world.hub;
    const events = log.partitionIds
      .flatMap((id) => log.events(id))
      .map(({ applicationProperties, body }) => ({
        properties: applicationProperties,
        twin: JSON.parse(body.toString()),
      }))
      .filter(({ properties }) => properties.deviceId === deviceId);
    expect(events).toMatchObject([
      { properties: { opType: 'createDeviceIdentity' }, twin: { deviceId } },
      {
        properties: { opType: 'createDeviceIdentity', moduleId: 'agent' },
        twin: { properties: { desired: { mode: 'Off' } } },
      },
    ]);
    expect(events).toHaveLength(2);
  });

  it('takes the lines of an export again', async () => {
    const { operator } = world;
    const container = await newContainer();
    const deviceId = newDeviceId();
    await operator.create({ deviceId, status: 'disabled', statusReason: 'stolen' });
    await operator.addModule({ deviceId, moduleId: 'agent' });
    await operator.updateModuleTwin(deviceId, 'agent', { tags: { a: 1 }, properties: { desired: { b: 2 } } }, '*');
    await exported(container.url, false);
    const lines = (await container.read('devices.txt')).filter(({ id }) => id === deviceId);
    const { responseBody: before } = await operator.getModule(deviceId, 'agent');
    await operator.delete(deviceId);
    await container.write(lines);
    await imported(container.url);
    expect(await container.read('importErrors.log')).toEqual([]);
    expect((await operator.get(deviceId)).responseBody).toMatchObject({ status: 'disabled', statusReason: 'stolen' });
    const { responseBody: after } = await operator.getModule(deviceId, 'agent');
    expect(after.authentication).toEqual(before.authentication);
    const { responseBody: twin } = await operator.getModuleTwin(deviceId, 'agent');
    expect(twin).toMatchObject({ tags: { a: 1 }, properties: { desired: { b: 2 } } });
  });

  it('shows its progress, and ends when it is cancelled', async () => {
    const { operator } = world;
    await setPace({ linesPerSecond: 20 });
    const container = await newContainer();
    const ids = Array.from({ length: 1000 }, () => newDeviceId());
    await container.write(ids.map((id) => ({ id, importMode: 'create' })));
    const { jobId } = fieldsOf(await operator.importDevicesFromBlob(container.url, container.url));
    await vi.waitFor(async () => {
      const { status, progress } = fieldsOf(await operator.getJob(jobId));
      expect(status).toBe('running');
      expect(progress).toBeGreaterThan(0);
      expect(progress).toBeLessThan(100);
    }, 30_000);
    await operator.cancelJob(jobId);
    expect((await ended(jobId)).status).toBe('cancelled');
    const { devices } = world.hub.registry;
    expect(devices.has(ids[0] ?? '')).toBe(true);
    expect(devices.has(ids.at(-1) ?? '')).toBe(false);
    await setPace({ linesPerSecond: 0 });
  });

  it('costs no identity operations', async () => {
    const container = await newContainer();
    const ids = Array.from({ length: 30 }, () => newDeviceId());
    await container.write(ids.map((id) => ({ id, importMode: 'create' })));
    const before = await callsByClass();
    const { jobId } = fieldsOf(await world.operator.importDevicesFromBlob(container.url, container.url));
    await ended(jobId);
    const { job, ...others } = await callsByClass();
    expect(others).toEqual({ ...before, job: undefined });
    expect(job).toBeGreaterThan(before.job ?? 0);
    expect(ids.every((id) => world.hub.registry.devices.has(id))).toBe(true);
  });

  it('fails when the blob does not exist', async () => {
    const container = await newContainer();
    const { jobId } = fieldsOf(await world.operator.importDevicesFromBlob(container.url, container.url));
    expect(await ended(jobId)).toMatchObject({ status: 'failed', failureReason: expect.stringContaining('not exist') });
  });
});

describe('an export job', () => {
  it('writes a line for each device and module, without keys', async () => {
    const { operator } = world;
    const container = await newContainer();
    const deviceId = newDeviceId();
    await operator.addDevices([{ deviceId }]);
    await operator.addModule({ deviceId, moduleId: 'agent' });
    await operator.updateModuleTwin(deviceId, 'agent', { properties: { desired: { mode: 'Off' } } }, '*');
    const { jobId } = fieldsOf(await operator.exportDevicesToBlob(container.url, true));
    expect(await ended(jobId)).toMatchObject({ status: 'completed', type: 'export' });

    const lines = (await container.read('devices.txt')).filter(({ id }) => id === deviceId);
    const { responseBody: twin } = await operator.getModuleTwin(deviceId, 'agent');
    expect(lines).toEqual([
      expect.objectContaining({ id: deviceId, status: 'enabled', properties: expect.anything() }),
      expect.objectContaining({ id: deviceId, moduleId: 'agent', twinETag: twin.etag }),
    ]);
    expect(lines[1]).toMatchObject({
      authentication: { symmetricKey: { primaryKey: null, secondaryKey: null } },
      tags: {},
      capabilities: { iotEdge: false },
    });
    // A real export has neither metadata nor versions.
    expect(lines[1]?.properties).toEqual({ desired: { mode: 'Off' }, reported: {} });
  });
});

describe('a hub', () => {
  it('runs one job at a time, and cancels a job', async () => {
    const { operator } = world;
    await setPace({ seconds: 3600 });
    const container = await newContainer();
    const { jobId } = fieldsOf(await operator.exportDevicesToBlob(container.url, true));
    await expect(operator.exportDevicesToBlob(container.url, true)).rejects.toMatchObject({
      responseBody: expect.stringContaining('ErrorCode:JobQuotaExceeded'),
    });
    const { responseBody: jobs } = await operator.listJobs();
    expect(jobs).toContainEqual(expect.objectContaining({ jobId, status: 'enqueued' }));
    expect(JSON.stringify(jobs)).not.toContain('sig=');
    await operator.cancelJob(jobId);
    expect(await operator.getJob(jobId)).toMatchObject({ status: 'cancelled' });
    await setPace({ seconds: 0 });
  });

  it('reaches the local storage as its own identity, and only that', async () => {
    const { operator } = world;
    const container = await newContainer();
    const [url = ''] = container.url.split('?');
    const deviceId = newDeviceId();
    await container.write([{ id: deviceId, importMode: 'create' }]);
    const { jobId } = fieldsOf(await operator.importDevicesFromBlobByIdentity(url, url));
    expect(await ended(jobId)).toMatchObject({ status: 'completed', storageAuthenticationType: 'identityBased' });
    expect(world.hub.registry.devices.has(deviceId)).toBe(true);

    const withoutRight = fieldsOf(await operator.importDevicesFromBlob(url, url));
    expect((await ended(withoutRight.jobId)).status).toBe('failed');
    const elsewhere = fieldsOf(await operator.exportDevicesToBlobByIdentity('https://x.invalid/c', true));
    expect(await ended(elsewhere.jobId)).toMatchObject({
      status: 'failed',
      failureReason: expect.stringContaining('local storage only'),
    });
  });

  it('knows its jobs only', async () => {
    await expect(world.operator.getJob('none')).rejects.toMatchObject({
      response: { statusCode: 404, headers: { iothuberrorcode: 'JobNotFound' } },
    });
  });

  it('refuses a job without a container', async () => {
    await expect(world.operator.exportDevicesToBlob('nowhere', true)).rejects.toMatchObject({
      response: { statusCode: 400 },
    });
  });
});
