import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBlobFolders, GroupCommit, openQueue, openTable } from '../../../shared/storage/index.ts';
import { collect } from '../../support/drift-rows.ts';
import { newStorageAccount } from '../../support/storage.ts';

/** The answers of a storage account to a caller whose role was taken away. */
const refusals = {
  table: {
    type: 'application/json',
    body: '{"odata.error":{"code":"AuthorizationPermissionMismatch","message":{"lang":"en-US","value":"This request is not authorized."}}}',
  },
  other: {
    type: 'application/xml',
    body: '<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthorizationPermissionMismatch</Code><Message>This request is not authorized.</Message></Error>',
  },
} as const;

/** Opens the emulator's account through servers that pass each request on, until the account is to refuse the caller. */
async function refusingAccount() {
  let isRefusing = false;
  let connectionString = (await newStorageAccount()).endpoints.connectionString;
  const closers: (() => void)[] = [];
  for (const [, address = ''] of connectionString.matchAll(/(http:\/\/[^/;]+)\/[^;]*;?/g)) {
    const target = new URL(address);
    const server = createServer((request, response) => {
      if (isRefusing) {
        const { type, body } =
          request.headers.accept?.includes('json') || request.url?.includes('$batch') ? refusals.table : refusals.other;
        request.resume();
        response
          .writeHead(403, { 'content-type': type, 'x-ms-error-code': 'AuthorizationPermissionMismatch' })
          .end(body);
        return;
      }
      const { method, url: path, headers } = request;
      const passed = send({ host: target.hostname, port: target.port, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      request.pipe(passed);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    connectionString = connectionString.replace(address, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
  }
  return {
    account: { connectionString },
    refuse: (refusing: boolean) => {
      isRefusing = refusing;
    },
    close: () => {
      for (const close of closers) close();
    },
  };
}

let storage: Awaited<ReturnType<typeof refusingAccount>>;
beforeAll(async () => {
  storage = await refusingAccount();
});
beforeEach(() => storage.refuse(false));
afterAll(() => storage?.close());

const explained = (service: string) =>
  expect.objectContaining({
    name: 'StorageAccessError',
    statusCode: 403,
    access: 'forbidden',
    message: expect.stringMatching(
      new RegExp(`tried to use ${service}s on the storage account .*403, AuthorizationPermissionMismatch`),
    ),
  });

describe('a role that is taken away while the app runs', () => {
  it('is named by each call to a table', async () => {
    const table = await openTable(storage.account, 'Refused');
    await table.createEntity({ partitionKey: 'p', rowKey: 'r' });
    const group = new GroupCommit(async () => table);
    storage.refuse(true);
    const calls = [
      () => table.getEntity('p', 'r'),
      () => table.upsertEntity({ partitionKey: 'p', rowKey: 'r' }, 'Replace'),
      () => group.apply([{ type: 'upsert', entity: { partitionKey: 'p', rowKey: 'r' } }]),
      () => collect(table.listEntities()),
      () => collect(table.listEntities().byPage({ maxPageSize: 10 })),
    ];
    for (const call of calls) await expect(call()).rejects.toEqual(explained('table'));
    storage.refuse(false);
    expect(await collect(table.listEntities())).toHaveLength(1);
  });

  it('is named by each call to a queue', async () => {
    const queue = await openQueue(storage.account, 'refused');
    storage.refuse(true);
    await expect(queue.sendMessage('x')).rejects.toEqual(explained('queue'));
    await expect(queue.getProperties()).rejects.toEqual(explained('queue'));
  });

  it('is named by each call to a folder of blobs', async () => {
    const folders = createBlobFolders(storage.account, 'refused-', () => new Date());
    const folder = await folders.open('1');
    await folder.write('blob', 'a\n');
    expect((await collect(folder.lines('blob'))).length).toBe(1);
    storage.refuse(true);
    const calls = [
      () => folder.write('blob', 'b\n'),
      () => folder.stage('blob', '1', 'b\n'),
      () => collect(folder.lines('blob')),
      () => collect(folders.list()),
      () => folders.open('2'),
      () => folders.remove('1'),
    ];
    for (const call of calls) await expect(call()).rejects.toEqual(explained('blob'));
  });

  it('is told apart from an entity that does not exist', async () => {
    const table = await openTable(storage.account, 'Refused');
    await expect(table.getEntity('p', 'none')).rejects.toMatchObject({ name: 'RestError', statusCode: 404 });
  });
});
