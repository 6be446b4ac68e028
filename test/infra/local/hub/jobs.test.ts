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
  return job as { readonly jobId: string; readonly status: string };
}

async function ended(jobId: string) {
  return vi.waitFor(async () => {
    const job = fieldsOf(await world.operator.getJob(jobId));
    expect(['completed', 'failed', 'cancelled']).toContain(job.status);
    return job;
  });
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
      expect.objectContaining({ id: deviceId, moduleId: 'agent', twinETag: `"${twin.etag}"` }),
    ]);
    expect(lines[1]).toMatchObject({
      authentication: { symmetricKey: { primaryKey: null, secondaryKey: null } },
      properties: { desired: { mode: 'Off', $version: 2 } },
    });
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

  it('refuses a job without a container', async () => {
    await expect(world.operator.exportDevicesToBlob('nowhere', true)).rejects.toMatchObject({
      response: { statusCode: 400 },
    });
  });
});
