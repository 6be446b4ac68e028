import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { createGuardStore } from '../../shared/guards/index.ts';
import { createStatusStore, statusPrefix, statusSchema } from '../../shared/status/index.ts';
import { endHosts, startHost } from '../infra/local/host/fixtures/host-process.ts';
import { policies } from '../support/fixture-policies.ts';
import { startIngestion } from '../support/ingestion.ts';
import { startWorld } from '../support/world.ts';

afterAll(endHosts);

const others = [
  'twin-events',
  'deferred',
  'deferred-poison',
  'sweep',
  'sweep-work',
  'sweep-work-poison',
  'retention',
  'seal',
];

describe('a running app', () => {
  it('logs its status, stores its use of the hub, and sends metrics as its managed identity', async () => {
    const world = await startWorld();
    const ingestion = await startIngestion(world.hub.credentials.tls);
    const asked: (string | undefined)[] = [];
    const identity = createServer((request, response) => {
      asked.push(request.url);
      const expires = Math.floor(Date.now() / 1000) + 3600;
      response.end(JSON.stringify({ access_token: 'the-token', expires_on: expires, token_type: 'Bearer' }));
    }).listen(0, '127.0.0.1');
    await once(identity, 'listening');
    const guards = createGuardStore(world.storage);
    for (const { name } of policies) await guards.putDeviceCount(name, 7);
    await guards.putFleetCount({ devices: 7, countedAt: new Date().toISOString(), isExact: true });
    const host = await startHost({
      app: '../../../../support/fixture-app.ts',
      hostJson: { extensions: { http: { routePrefix: 'api' } } },
      settings: {
        AzureWebJobsStorage: world.storage.connectionString,
        IOTHUB_CONNECTION_STRING: world.hub
          .connectionString('twinkeeper')
          .replace('localhost', `localhost:${world.hub.httpsPort}`),
        EventHubConnection: 'Endpoint=sb://localhost;SharedAccessKeyName=nobody;SharedAccessKey=bm9ib2R5',
        EVENTHUB_NAME: 'events',
        TWINKEEPER_MODE: 'audit',
        TWINKEEPER_ROLLUP_SCHEDULE: '* * * * * *',
        APPLICATIONINSIGHTS_CONNECTION_STRING: ingestion.connectionString,
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=11111111-1111-1111-1111-111111111111',
        ...Object.fromEntries(others.map((name) => [`AzureWebJobs.${name}.Disabled`, 'true'])),
      },
      environment: {
        NODE_EXTRA_CA_CERTS: world.hub.credentials.caFile,
        IDENTITY_ENDPOINT: `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`,
        IDENTITY_HEADER: 'secret-header',
      },
    });

    const health = await fetch(`${host.endpoints.functionsUrl}/api/health`);
    expect([health.status, await health.json()]).toEqual([200, { status: 'healthy' }]);
    await host.logged(/twinkeeper\.status \{.*\}/);
    const line = /twinkeeper\.status \{.*\}/.exec(host.log())?.[0] ?? '';
    const status = statusSchema.parse(JSON.parse(line.slice(statusPrefix.length)));
    expect(status).toMatchObject({
      mode: 'audit',
      devices: 7,
      policiesTotal: policies.length,
      healthy: true,
      problems: ['auditMode'],
    });

    const store = createStatusStore(world.storage, () => new Date());
    await expect.poll(() => store.usages(), { timeout: 30_000 }).toMatchObject([{ lastAnswerAt: expect.any(String) }]);
    await expect.poll(() => ingestion.requests.length, { timeout: 30_000 }).toBeGreaterThan(0);
    expect(ingestion.requests[0]?.authorization).toBe('Bearer the-token');
    expect(asked[0]).toContain('client_id=11111111-1111-1111-1111-111111111111');
    const names = ingestion.requests.flatMap(({ metrics }) => metrics.map(({ name }) => name));
    expect(names.every((name) => name.startsWith('twinkeeper.'))).toBe(true);
    expect(host.log()).not.toMatch(/the-token|secret-header/);

    await host.end();
    identity.close();
    ingestion.close();
    await world.close();
  });
});
