import { afterEach, describe, expect, it } from 'vitest';
import type { CallReport } from '../../../../infra/local/hub/calls.ts';
import { MovableClock } from '../../../support/movable-clock.ts';
import { type SdkError, startTestHub, type TestHub } from './hub-client.ts';

let hub: TestHub;
afterEach(() => hub.close());

async function start(options: Parameters<typeof startTestHub>[0] = {}): Promise<void> {
  hub = await startTestHub(options);
}

async function control(method: string, path: string, body?: object): Promise<Response> {
  return fetch(`${hub.controlUrl}${path}`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

const used = async () => ((await (await control('GET', '/quota')).json()) as { used: number }).used;
const calls = async () => (await (await control('GET', '/calls')).json()) as CallReport;

/** A twin section of about `bytes` bytes. */
function section(bytes: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: Math.ceil(bytes / 1000) }, (_, n) => [`k${n}`, 'x'.repeat(990)]));
}

async function refusal(call: Promise<unknown>): Promise<SdkError> {
  try {
    await call;
  } catch (error) {
    return error as SdkError;
  }
  throw new Error('The hub did not refuse the call.');
}

describe('the message quota', () => {
  it('counts twin reads, twin updates and query results in messages of 4 KB, by caller', async () => {
    await start();
    const { operator, twinkeeper } = hub;
    await operator.addDevices(Array.from({ length: 10 }, (_, n) => ({ deviceId: `d${n}` })));
    await operator.getRegistryStatistics();
    await operator.getConfigurations();
    expect(await used()).toBe(0);
    // The update has 9,000 bytes, and the answer with the whole twin has more.
    await operator.updateTwin('d0', { properties: { desired: section(9000) } }, '*');
    expect(await used()).toBe(3);
    await twinkeeper.getTwin('d1');
    expect(await used()).toBe(4);
    await twinkeeper.createQuery('SELECT COUNT() AS n FROM devices').next();
    expect(await used()).toBe(5);
    await twinkeeper.createQuery('SELECT * FROM devices').nextAsTwin();
    const { messagesByClass, byCaller } = await calls();
    expect(messagesByClass).toMatchObject({ twinUpdate: 3, twinRead: 1, bulk: 0, statistics: 0, configuration: 0 });
    expect(byCaller.twinkeeper?.messagesByClass).toMatchObject({ twinUpdate: 0, twinRead: 1 });
    // One message for the count. The page has ten twins, one with 9,000 bytes of properties.
    expect(byCaller.twinkeeper?.messagesByClass.query).toBeGreaterThanOrEqual(1 + 3);
  });

  it('counts operations beside calls', async () => {
    await start();
    await hub.operator.addDevices(Array.from({ length: 7 }, (_, n) => ({ deviceId: `d${n}` })));
    expect(await calls()).toMatchObject({ byClass: { bulk: 1 }, operationsByClass: { bulk: 7 } });
  });

  it.each([
    [{}, 403],
    [{ status: 429 }, 429],
  ])('refuses what costs messages at its end, with %o as %i, and lets free calls through', async (options, status) => {
    await start();
    const { operator } = hub;
    await operator.create({ deviceId: 'd' });
    await control('PUT', '/quota', { limit: 2, ...options });
    await operator.getTwin('d');
    await operator.getTwin('d');
    const error = await refusal(operator.getTwin('d'));
    expect(error.response).toMatchObject({ statusCode: status, headers: { iothuberrorcode: 'IotHubQuotaExceeded' } });
    expect(error.responseBody).toContain('ErrorCode:IotHubQuotaExceeded');
    await refusal(operator.updateTwin('d', { tags: { a: 1 } }, '*'));
    await refusal(operator.createQuery('SELECT * FROM devices').nextAsTwin());
    await operator.create({ deviceId: 'e' });
    await operator.getRegistryStatistics();
    await control('DELETE', '/quota');
    await operator.getTwin('d');
  });

  it('is shared with the telemetry of the fleet, and starts again at midnight UTC', async () => {
    const clock = new MovableClock();
    await start({ clock, quota: { limit: 1000 } });
    await hub.operator.create({ deviceId: 'd' });
    await control('POST', '/quota', { messages: 1000 });
    await refusal(hub.operator.getTwin('d'));
    clock.pass(86_400_000);
    await hub.operator.getTwin('d');
    expect(await used()).toBe(1);
  });

  it('follows from the tier of a throttled hub', async () => {
    await start({ throttle: { tier: 'F1', units: 1 } });
    expect(await (await control('GET', '/quota')).json()).toMatchObject({ limit: 8000, messageBytes: 512 });
  });

  it.each([[{}], [{ limit: -1 }], [{ limit: 1, messageBytes: 1000 }], [[]]])('refuses the options %o', async (body) => {
    await start();
    expect((await control('PUT', '/quota', body)).status).toBe(400);
  });
});
