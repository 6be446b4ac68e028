import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBlobFolders, openQueue, openTable } from '../../../shared/storage/index.ts';
import { newStorageAccount } from '../../support/storage.ts';
import { disturbedStorage, type ServiceState } from '../../support/storage-proxy.ts';

let storage: Awaited<ReturnType<typeof disturbedStorage>>;
beforeAll(async () => {
  storage = await disturbedStorage((await newStorageAccount()).endpoints.connectionString);
});
afterAll(() => storage.close());
beforeEach(() => {
  for (const service of [storage.tables, storage.queues, storage.blobs])
    Object.assign(service, { state: 'works', next: [] });
});

const services = [
  [
    'table',
    async () => {
      const table = await openTable(storage.account, 'Things');
      return () => table.upsertEntity({ partitionKey: 'p', rowKey: 'r' }, 'Replace');
    },
    () => storage.tables,
  ],
  [
    'queue',
    async () => {
      const queue = await openQueue(storage.account, 'things');
      return () => queue.sendMessage('text');
    },
    () => storage.queues,
  ],
  [
    'blob',
    async () => {
      const folder = await createBlobFolders(storage.account, 'things-', () => new Date()).open('one');
      return () => folder.write('blob', 'text');
    },
    () => storage.blobs,
  ],
  [
    'part of a blob',
    async () => {
      const folder = await createBlobFolders(storage.account, 'things-', () => new Date()).open('two');
      await folder.write('blob', 'text');
      return () => folder.read('blob', 0, 4);
    },
    () => storage.blobs,
  ],
] as const;

describe.each(services)('an operation on a %s', (_, open, serviceOf) => {
  it.each<ServiceState>(['hangs', 'unavailable', 'losesAnswers'])(
    'is tried again when the service %s once',
    async (state) => {
      const operate = await open();
      serviceOf().next = [state];
      const before = serviceOf().requests;
      await operate();
      expect(serviceOf().requests).toBe(before + 2);
    },
  );

  it.each<ServiceState>(['hangs', 'unavailable'])('ends after its tries when the service %s', async (state) => {
    const operate = await open();
    serviceOf().state = state;
    const before = serviceOf().requests;
    await expect(operate()).rejects.toThrow(state === 'hangs' ? 'did not answer within 2500 ms' : '');
    expect(serviceOf().requests).toBe(before + 2);
  });
});
