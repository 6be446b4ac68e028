import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTelemetry } from '../../functions/telemetry/index.ts';
import { readTelemetrySettings } from '../../functions/telemetry/telemetry-settings.ts';
import { loadCredentials } from '../../infra/local/hub/credentials.ts';
import { type Ingestion, startIngestion } from '../support/ingestion.ts';

let folder: string;
let ingestion: Ingestion;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeeper-ingestion-'));
  const { caFile, tls: certificate } = await loadCredentials(folder);
  // This file has a process of its own, so no other test trusts the certificate.
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), await readFile(caFile, 'utf8')]);
  ingestion = await startIngestion(certificate);
});
afterAll(async () => {
  ingestion.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  ingestion.status = 200;
  ingestion.requests.splice(0);
});

/** Telemetry with the real exporter, whose time the test moves. */
function telemetryAt(start: number) {
  const state = { time: start, planned: [] as (() => void)[] };
  const telemetry = createTelemetry(
    { APPLICATIONINSIGHTS_CONNECTION_STRING: ingestion.connectionString },
    { now: () => new Date(state.time), later: (_, run) => state.planned.push(run) },
  );
  if (telemetry === undefined) throw new Error('There is no telemetry.');
  return { state, telemetry };
}

describe('metrics for Application Insights', () => {
  it('are sums of what was counted since the last time, and the last values of gauges', async () => {
    const { state, telemetry } = telemetryAt(0);
    const { metrics } = telemetry;
    metrics.count('twinkeeper.hub.calls', { class: 'twinRead' });
    metrics.count('twinkeeper.hub.calls', { class: 'twinRead' });
    metrics.count('twinkeeper.hub.calls', { class: 'query' });
    metrics.count('twinkeeper.drift', { policy: 'agents', outcome: 'enforced' }, 5);
    metrics.set('twinkeeper.compliance', 80, { policy: 'agents' });
    metrics.set('twinkeeper.compliance', 99.5, { policy: 'agents' });
    await telemetry.flush();
    const sorted = () => ingestion.requests.at(-1)?.metrics.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    expect(sorted()).toEqual([
      { name: 'twinkeeper.compliance', value: 99.5, attributes: { policy: 'agents' } },
      { name: 'twinkeeper.drift', value: 5, attributes: { policy: 'agents', outcome: 'enforced' } },
      { name: 'twinkeeper.hub.calls', value: 2, attributes: { class: 'twinRead' } },
      { name: 'twinkeeper.hub.calls', value: 1, attributes: { class: 'query' } },
    ]);
    state.time += 60_000;
    metrics.count('twinkeeper.hub.calls', { class: 'twinRead' });
    await telemetry.flush();
    expect(sorted()).toEqual([{ name: 'twinkeeper.hub.calls', value: 1, attributes: { class: 'twinRead' } }]);
  });

  it('are sent at most once a minute, and the rest later', async () => {
    const { state, telemetry } = telemetryAt(0);
    for (let n = 0; n < 10; n++) {
      telemetry.metrics.count('twinkeeper.hub.throttled', { class: 'bulk' });
      await telemetry.flush();
    }
    expect(ingestion.requests).toHaveLength(1);
    expect(state.planned).toHaveLength(1);
    state.time += 60_000;
    state.planned[0]?.();
    await expect.poll(() => ingestion.requests.length).toBe(2);
    expect(ingestion.requests[1]?.metrics).toMatchObject([{ name: 'twinkeeper.hub.throttled', value: 9 }]);
  });

  it('need no library before something was counted', async () => {
    let loads = 0;
    const telemetry = createTelemetry(
      { APPLICATIONINSIGHTS_CONNECTION_STRING: ingestion.connectionString },
      {
        now: () => new Date(0),
        later: () => {},
        async createExport() {
          loads++;
          return { send: async () => {} };
        },
      },
    );
    await telemetry?.flush();
    expect(loads).toBe(0);
    telemetry?.metrics.count('twinkeeper.drift', { policy: 'agents', outcome: 'created' });
    await telemetry?.flush();
    expect(loads).toBe(1);
  });

  it.each([500, 401, 429, 206])(
    'fail when the service answers %d, and are sent again with the next flush',
    async (status) => {
      const { state, telemetry } = telemetryAt(0);
      ingestion.status = status;
      telemetry.metrics.count('twinkeeper.hub.calls', { class: 'query' });
      await expect(telemetry.flush()).rejects.toThrow(`did not accept the metrics: status ${status}`);
      ingestion.status = 200;
      state.time += 60_000;
      telemetry.metrics.count('twinkeeper.hub.calls', { class: 'query' });
      await telemetry.flush();
      expect(ingestion.requests).toHaveLength(2);
    },
  );

  it('do not fill the memory when a policy has very many names', () => {
    const { telemetry } = telemetryAt(0);
    for (let n = 0; n < 5000; n++) telemetry.metrics.count('twinkeeper.drift', { policy: `p${n}`, outcome: 'created' });
    expect(telemetry.metrics.take().length).toBe(1000);
    expect(telemetry.metrics.isEmpty).toBe(true);
  });
});

describe('the settings of Application Insights', () => {
  const connectionString = 'InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=https://x/';
  const read = (connection: string | undefined, authentication?: string) =>
    readTelemetrySettings({
      APPLICATIONINSIGHTS_CONNECTION_STRING: connection,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: authentication,
    });

  it.each([undefined, '', 'nonsense', 'InstrumentationKey=short', 'IngestionEndpoint=https://x/'])(
    'give no telemetry for the connection string %j',
    (text) => {
      expect(read(text)).toBeUndefined();
    },
  );

  it('name the identity when the service asks for one', () => {
    expect(read(connectionString)).toEqual({ connectionString });
    expect(read(connectionString, 'ClientId=abc;Authorization=AAD')).toEqual({ connectionString, clientId: 'abc' });
    expect(read(connectionString, ' authorization = aad ')).toEqual({ connectionString, clientId: '' });
    expect(read(connectionString, 'Authorization=Key')).toEqual({ connectionString });
  });
});
