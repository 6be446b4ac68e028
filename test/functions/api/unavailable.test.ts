import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProblemAnswer } from '../../../functions/api/shapes.ts';
import { endHosts } from '../../infra/local/host/fixtures/host-process.ts';
import { startWorld } from '../../support/world.ts';
import { ask, keys, startApp } from './api-host.ts';

afterEach(endHosts);

const reads = [
  'drift',
  'drift?deviceId=d',
  'drift/open',
  'summary',
  'devices/d',
  'policies',
  'sweeps',
  'dead-letters',
] as const;

describe('the API', { timeout: 120_000 }, () => {
  it('says so when storage does not answer as it should, and no more', async () => {
    const world = await startWorld();
    const storage = createServer((_, response) => {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ 'odata.error': { code: 'AuthorizationFailure', message: { value: 'top secret' } } }),
      );
    }).listen(0, '127.0.0.1');
    await once(storage, 'listening');
    const { port } = storage.address() as AddressInfo;
    const { endpoints } = await startApp({
      storage: world.storage.connectionString.replaceAll(/127\.0\.0\.1:\d+/g, `127.0.0.1:${port}`),
      hub: world.hub.connectionString('twinkeeper').replace('localhost', `localhost:${world.hub.httpsPort}`),
      caFile: world.hub.credentials.caFile,
    });
    world.hub.registry.create({ deviceId: 'd' }, {});
    const csv = { accept: 'text/csv' };
    const answers = await Promise.all([
      ...reads.map((path) => ask<ProblemAnswer>(`${endpoints.functionsUrl}/api/${path}`)),
      ask<ProblemAnswer>(`${endpoints.functionsUrl}/api/drift`, csv),
      ask<ProblemAnswer>(`${endpoints.functionsUrl}/api/devices/d/reconcile`, { key: keys.masterKey, method: 'POST' }),
    ]);
    for (const { status, type, text, body } of answers) {
      expect([status, type]).toEqual([503, 'application/problem+json']);
      expect(body).toMatchObject({ status: 503, detail: expect.stringMatching(/storage account does not answer/) });
      expect(text).not.toMatch(/secret|127\.0\.0\.1|Authorization| at |\.ts|\.js|Key/);
    }
    storage.close();
    storage.closeAllConnections();
    await world.close();
  });

  it('says so when the hub does not answer, and tells the history all the same', async () => {
    const world = await startWorld();
    const { endpoints } = await startApp({
      storage: world.storage.connectionString,
      // Nobody listens there.
      hub: world.hub.connectionString('twinkeeper').replace('localhost', 'localhost:1'),
      caFile: world.hub.credentials.caFile,
    });
    const api = `${endpoints.functionsUrl}/api`;
    const [drift, ...refused] = await Promise.all([
      ask(`${api}/drift?deviceId=d`),
      ask<ProblemAnswer>(`${api}/devices/d`),
      ask<ProblemAnswer>(`${api}/devices/d/reconcile`, { key: keys.masterKey, method: 'POST' }),
    ]);
    expect([drift.status, drift.body]).toEqual([200, { rows: [] }]);
    for (const { status, body, text } of refused) {
      expect([status, body.detail]).toEqual([503, 'The IoT hub does not answer. Try again later.']);
      expect(text).not.toMatch(/ECONN|localhost| at /);
    }
    await world.close();
  });
});
