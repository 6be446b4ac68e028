/** Tests of the hub's throttles, through the SDK `azure-iothub` and with plain HTTPS. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Middleware } from '../../../../infra/local/hub/http-service.ts';
import type { RegistryServiceOptions } from '../../../../infra/local/hub/registry-service.ts';
import type { ThrottleOptions } from '../../../../infra/local/hub/throttle.ts';
import { type Tier, throttleLimits } from '../../../../infra/local/hub/throttle-limits.ts';
import { SkippingClock } from '../../../../infra/local/skipping-clock.ts';
import { VirtualClock } from '../../../shared/hub/virtual-clock.ts';
import { refusal, requestRaw, startTestHub, type TestHub } from './hub-client.ts';

let hub: TestHub;
/** Number of calls that have no response yet. */
let unanswered = 0;

afterEach(() => hub.close());

async function start(options: Pick<RegistryServiceOptions, 'throttle' | 'clock' | 'timeScale'> = {}): Promise<void> {
  unanswered = 0;
  const count: Middleware = async (_, next) => {
    unanswered += 1;
    try {
      return await next();
    } finally {
      unanswered -= 1;
    }
  };
  hub = await startTestHub({ ...options, middleware: [count] });
}

const calls = async () => (await fetch(`${hub.controlUrl}/calls`)).json();
const query = () => hub.operator.createQuery('SELECT * FROM devices').next();

/** Creates the entries of a bulk call that creates `count` devices. */
function devices(count: number, name: string): { readonly deviceId: string }[] {
  return Array.from({ length: count }, (_, index) => ({ deviceId: `${name}-${index}` }));
}

const S1: ThrottleOptions = { tier: 'S1', units: 1 };

describe('a throttled hub', () => {
  it('serves a burst at once, then delays calls, then refuses with a retry-after time that works', async () => {
    const clock = new VirtualClock();
    // The limit is one query in three seconds, and a burst has two queries.
    await start({ clock, throttle: { ...S1, burst: 6, queue: 6 } });
    await query();
    await query();
    const done: string[] = [];
    const first = query().then(() => done.push('first'));
    await waitUntilQueued(1);
    const second = query().then(() => done.push('second'));
    await waitUntilQueued(2);
    const refused = await refusal(query());
    expect(refused.name).toBe('ThrottlingError');
    expect(refused.response).toMatchObject({
      statusCode: 429,
      headers: { 'retry-after': '4', 'iothub-errorcode': 'ThrottlingException' },
    });
    expect(JSON.parse(refused.responseBody)).toEqual({
      Message: expect.stringMatching(/^ErrorCode:ThrottlingException;/),
      ExceptionMessage: expect.stringMatching(/^Tracking ID:/),
    });
    await clock.pass(3000);
    await first;
    expect(done).toEqual(['first']);
    await clock.pass(1000);
    const again = query();
    await waitUntilQueued(2);
    await clock.pass(6000);
    await Promise.all([second, again]);
    expect(await calls()).toMatchObject({
      byClass: { query: 6 },
      byStatus: { 200: 5, 429: 1 },
      throttledByClass: { query: 1, identity: 0 },
      byCaller: { iothubowner: { throttledByClass: { query: 1 } }, twinkeeper: { throttledByClass: { query: 0 } } },
    });
  });

  it('keeps its limit over an hour', async () => {
    const clock = new SkippingClock();
    await start({ clock, throttle: S1 });
    const end = clock.now().getTime() + 3_600_000;
    let served = 0;
    for (; clock.now().getTime() < end; served++) await query();
    // The limit allows a burst of 20 queries, and then 20 queries a minute.
    expect(served / (20 * 60 + 20)).toBeGreaterThan(0.98);
    expect(served / (20 * 60 + 20)).toBeLessThan(1.02);
    expect(clock.skipped).toBeGreaterThan(3_500_000);
  });

  it('gives the retry-after time in seconds of its own clock', async () => {
    const base = new VirtualClock();
    await start({ clock: base, timeScale: 60, throttle: { ...S1, burst: 3, queue: 0 } });
    await query();
    expect((await refusal(query())).response.headers['retry-after']).toBe('4');
    await base.pass(49);
    await refusal(query());
    await base.pass(1);
    await query();
  });

  it('counts a bulk call as one operation for each entry, or as one if configured', async () => {
    const clock = new VirtualClock();
    await start({ clock, throttle: { ...S1, burst: 6, queue: 0, bulkCost: 'call' } });
    for (let call = 0; call < 10; call++) await hub.operator.addDevices(devices(20, `by-call-${call}`));
    await refusal(hub.operator.addDevices(devices(1, 'too-many')));

    await put({ ...S1, burst: 6, queue: 0 });
    await hub.operator.addDevices(devices(9, 'by-entry'));
    await hub.operator.addDevices(devices(100, 'by-entry-into-debt'));
    // The last bulk call cost more tokens than there were, so the token count is -99. 100 tokens are added each minute.
    const refused = await refusal(hub.operator.addDevices(devices(1, 'too-many')));
    expect(refused.response).toMatchObject({ statusCode: 429, headers: { 'retry-after': '61' } });
    await clock.pass(61_000);
    await hub.operator.addDevices(devices(1, 'at-last'));
  });

  it('responds to an invalid bulk call with 400', async () => {
    await start({ throttle: { ...S1, bulkCost: 'entries' } });
    for (const body of ['', '{', '{}', '[]']) {
      expect((await requestRaw(hub, 'POST', '/devices?api-version=2021-04-12', { body })).status).toBe(400);
    }
  });

  it('throttles each class of operations separately, and statistics as identity operations', async () => {
    await start({ clock: new VirtualClock(), throttle: { ...S1, burst: 0, queue: 0 } });
    await hub.operator.create({ deviceId: 'd' });
    expect((await refusal(hub.operator.getRegistryStatistics())).response.statusCode).toBe(429);
    expect((await refusal(hub.operator.addDevices(devices(1, 'e')))).response.statusCode).toBe(429);
    await hub.operator.getTwin('d');
    await hub.operator.updateTwin('d', { tags: { a: 1 } }, '*');
    await query();
    await hub.operator.getConfigurations();
    for (const call of [
      () => hub.operator.get('d'),
      () => hub.operator.getTwin('d'),
      () => hub.operator.updateTwin('d', { tags: { a: 1 } }, '*'),
      query,
      () => hub.operator.getConfigurations(),
    ]) {
      expect((await refusal(call())).response.statusCode).toBe(429);
    }
    expect(await calls()).toMatchObject({ byStatus: { 200: 5, 429: 7 } });
    // A request to an unknown path does not count as an operation, so the throttles do not refuse it.
    for (let times = 0; times < 3; times++)
      expect((await requestRaw(hub, 'GET', '/nothing?api-version=2021-04-12')).status).toBe(404);
  });

  it('drops the waiting call of a client that disconnects', async () => {
    const clock = new VirtualClock();
    await start({ clock, throttle: { ...S1, burst: 0, queue: 10 } });
    await hub.operator.create({ deviceId: 'd' });
    const leaving = new AbortController();
    const left = requestRaw(hub, 'DELETE', '/devices/d?api-version=2021-04-12', {
      headers: { 'if-match': '*' },
      signal: leaving.signal,
    });
    await waitUntilQueued(1);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await vi.waitFor(async () => expect(await calls()).toMatchObject({ byStatus: { dropped: 1 } }), 30_000);
    const next = hub.operator.get('d');
    await waitUntilQueued(1);
    await clock.pass(600);
    expect((await next).responseBody).toMatchObject({ deviceId: 'd' });
  });

  it('turns throttling on and off through the control endpoint', async () => {
    await start();
    const get = async () => (await fetch(`${hub.controlUrl}/throttle`)).json();
    expect(await get()).toBeNull();
    const options = { ...S1, burst: 0, queue: 0 };
    expect(await (await put(options)).json()).toEqual({ ...options, bulkCost: 'entries' });
    expect(await get()).toEqual({ ...options, bulkCost: 'entries' });
    await query();
    await refusal(query());
    expect((await fetch(`${hub.controlUrl}/throttle`, { method: 'DELETE' })).status).toBe(204);
    await query();
  });

  it.each([
    [{ tier: 'S4', units: 1 }, 'throttle.tier must be one of F1, S1, S2, S3, GEN2, and is "S4"'],
    [{ tier: 'S1', units: 0 }, 'throttle.units must be a whole number, 1 or more, and is 0'],
    [{ tier: 'S1', units: 1.5 }, 'throttle.units must be a whole number, 1 or more, and is 1.5'],
    [{ tier: 'S1' }, 'throttle.units must be a whole number, 1 or more, and is missing'],
    [{ ...S1, burst: -1 }, 'throttle.burst must be a number of seconds, 0 or more, and is -1'],
    [{ ...S1, bulkCost: 1 }, 'throttle.bulkCost must be call or entries, and is 1'],
    [{ ...S1, brust: 1 }, 'throttle must be { tier, units, bulkCost?, burst?, queue? } and nothing else'],
    [[], 'throttle must be { tier, units, bulkCost?, burst?, queue? } and nothing else, and is []'],
    [null, 'throttle must be { tier, units, bulkCost?, burst?, queue? } and nothing else, and is null'],
  ])('refuses %j', async (options, reason) => {
    await start();
    const response = await put(options);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { Message: string }).Message).toContain(reason);
    await expect(startTestHub({ throttle: options as ThrottleOptions })).rejects.toThrow(reason);
  });

  const put = (options: unknown) =>
    fetch(`${hub.controlUrl}/throttle`, { method: 'PUT', body: JSON.stringify(options) });

  /** Waits until the hub has `count` calls without a response. */
  async function waitUntilQueued(count: number): Promise<void> {
    await vi.waitFor(() => expect(unanswered).toBe(count), 30_000);
  }
});

describe('the documented limits', () => {
  const perMinute = (tier: Tier, units: number) =>
    Object.fromEntries(
      Object.entries(throttleLimits(tier, units)).map(([name, rate]) => [name, Math.round(rate * 60)]),
    );

  it.each<[Tier, number, ReturnType<typeof perMinute>]>([
    ['F1', 1, { identity: 100, twinRead: 6000, twinUpdate: 3000, query: 20, configuration: 20 }],
    ['S1', 1, { identity: 100, twinRead: 6000, twinUpdate: 3000, query: 20, configuration: 20 }],
    ['GEN2', 30, { identity: 3000, twinRead: 6000, twinUpdate: 3000, query: 600, configuration: 600 }],
    ['S2', 1, { identity: 100, twinRead: 6000, twinUpdate: 3000, query: 20, configuration: 20 }],
    ['S2', 20, { identity: 2000, twinRead: 12_000, twinUpdate: 6000, query: 400, configuration: 400 }],
    ['S3', 2, { identity: 10_000, twinRead: 60_000, twinUpdate: 30_000, query: 2000, configuration: 40 }],
  ])('of %s with %i units match the documented table', (tier, units, limits) => {
    expect(perMinute(tier, units)).toEqual(limits);
  });
});
