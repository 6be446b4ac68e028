/** Tests of simulated faults, with calls through the SDK `azure-iothub`. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Fault } from '../../../../infra/local/hub/fault.ts';
import type { RegistryServiceOptions } from '../../../../infra/local/hub/registry-service.ts';
import { VirtualClock } from '../../../shared/hub/virtual-clock.ts';
import { refusal, startTestHub, type TestHub } from './hub-client.ts';

let hub: TestHub;

afterEach(() => hub.close());

async function start(
  faults: readonly Fault[],
  options: Pick<RegistryServiceOptions, 'clock' | 'timeScale' | 'throttle'> = {},
) {
  hub = await startTestHub({ faults, ...options });
}

const control = (path: string, init?: RequestInit) => fetch(`${hub.controlUrl}${path}`, init);
const put = (faults: unknown) => control('/faults', { method: 'PUT', body: JSON.stringify({ faults }) });
const report = async () => ((await (await control('/faults')).json()) as { faults: unknown }).faults;
const calls = async () => (await control('/calls')).json();

/**
 * Makes `count` calls, one after the other, and returns their status codes. By default, a call reads a twin. The status is 0 if there was
 * no response.
 */
async function statuses(count: number, read = () => hub.operator.getTwin('nowhere')): Promise<readonly number[]> {
  const seen: number[] = [];
  for (let call = 0; call < count; call++) {
    // The device of the call does not exist, so a call without a fault ends with 404.
    seen.push((await refusal(read())).response?.statusCode ?? 0);
  }
  return seen;
}

const count = (seen: readonly number[], status: number) => seen.filter((one) => one === status).length;

describe('a hub with faults', () => {
  it.each([
    [{ status: 429, retryAfter: 7 }, 'ThrottlingException', '7'],
    [{ status: 429 }, 'ThrottlingException', undefined],
    [{ status: 500 }, 'ServerError', undefined],
    [{ status: 503 }, 'ServiceUnavailable', undefined],
  ] as const)('responds with %j instead of running the operation', async (kind, code, retryAfter) => {
    await start([{ share: 1, kinds: [kind], classes: ['identity'] }]);
    const error = await refusal(hub.operator.create({ deviceId: 'd' }));
    expect(error.response.statusCode).toBe(kind.status);
    expect(error.response.headers['iothub-errorcode']).toBe(code);
    expect(error.response.headers['retry-after']).toBe(retryAfter);
    expect(JSON.parse(error.responseBody).Message).toMatch(new RegExp(`^ErrorCode:${code};`));
    expect((await refusal(hub.operator.getTwin('d'))).response.statusCode).toBe(404);
    expect(await calls()).toMatchObject({ byStatus: { [kind.status]: 1, 404: 1 } });
  });

  it('creates the modules of a bulk call without their twins, with a warning for each', async () => {
    await start([{ share: 1, kinds: [{ bulk: 'withoutTwin' }] }]);
    await hub.operator.create({ deviceId: 'd' });
    const module = { deviceId: 'd', moduleId: 'm', properties: { desired: { a: 1 } } };
    const { responseBody } = await hub.operator.addDevices([module, { deviceId: 'd2' }] as never);
    const warning = { warningCode: 'DeviceRegisteredWithoutTwin', warningStatus: expect.any(String) };
    expect(responseBody).toEqual({
      isSuccessful: true,
      errors: [],
      warnings: [
        { deviceId: 'd', moduleId: 'm', ...warning },
        { deviceId: 'd2', ...warning },
      ],
    });
    expect((await hub.operator.getModuleTwin('d', 'm')).responseBody.properties.desired).not.toHaveProperty('a');
  });

  it('leaves out every second entry of a bulk call without a word about it', async () => {
    await start([{ share: 1, kinds: [{ bulk: 'unexplained' }] }]);
    const { responseBody } = await hub.operator.addDevices([{ deviceId: 'a' }, { deviceId: 'b' }] as never);
    expect(responseBody).toEqual({ isSuccessful: false, errors: [], warnings: [] });
    expect((await hub.operator.getTwin('a')).responseBody.deviceId).toBe('a');
    expect((await refusal(hub.operator.getTwin('b'))).response.statusCode).toBe(404);
  });

  it('breaks the connection before the operation, or after it', async () => {
    await start([{ share: 1, kinds: [{ drop: 'before' }], classes: ['identity'] }]);
    const before = await refusal(hub.operator.create({ deviceId: 'd' }));
    expect(before.response).toBeUndefined();
    expect(before).toMatchObject({ code: 'ECONNRESET' });
    expect((await refusal(hub.operator.getTwin('d'))).response.statusCode).toBe(404);

    await put([{ share: 1, kinds: [{ drop: 'after' }], classes: ['identity'] }]);
    const after = await refusal(hub.operator.create({ deviceId: 'd' }));
    expect(after.response).toBeUndefined();
    expect((await hub.operator.getTwin('d')).responseBody).toMatchObject({ deviceId: 'd' });
    expect(await calls()).toMatchObject({
      byClass: { identity: 2 },
      byStatus: { dropped: 2, 404: 1, 200: 1 },
      byCaller: { iothubowner: { byStatus: { dropped: 2 } } },
    });
  });

  it.each([
    ['before', 1],
    ['after', 0],
  ] as const)('responds late, with the operation %s the wait', async (operation, devicesWhileWaiting) => {
    const clock = new VirtualClock();
    await start([{ share: 1, kinds: [{ delay: 5000, operation }], classes: ['identity'] }], { clock });
    const answer = hub.operator.create({ deviceId: 'd' });
    let answered = false;
    void answer.then(() => {
      answered = true;
    });
    await vi.waitFor(() => expect(clock.sleeps).toBe(1), 30_000);
    const { responseBody } = await hub.twinkeeper.getRegistryStatistics();
    expect(responseBody.totalDeviceCount).toBe(devicesWhileWaiting);
    await clock.pass(4999);
    expect(answered).toBe(false);
    await clock.pass(1);
    expect((await answer).responseBody).toMatchObject({ deviceId: 'd' });
  });

  it('strikes its share of the calls, with all kinds equally often, and the same calls for the same seed', async () => {
    const fault: Fault = { share: 0.2, kinds: [{ status: 429 }, { status: 500 }, { drop: 'before' }], seed: 7 };
    await start([fault]);
    const first = await statuses(1000);
    const struck = 1000 - count(first, 404);
    // The number of failed calls has a binomial distribution. The test tolerates four standard deviations.
    expect(Math.abs(struck - 200)).toBeLessThan(4 * Math.sqrt(1000 * 0.2 * 0.8));
    for (const status of [429, 500, 0]) {
      expect(Math.abs(count(first, status) - struck / 3)).toBeLessThan(4 * Math.sqrt((struck * 2) / 9));
    }
    expect(await report()).toEqual([{ fault, active: true, calls: 1000, struck }]);

    await put([fault]);
    expect(await statuses(50)).toEqual(first.slice(0, 50));
    await put([{ ...fault, seed: 8 }]);
    expect(await statuses(50)).not.toEqual(first.slice(0, 50));
  });

  it('strikes only the given classes and policy, and each call at most once', async () => {
    await start([
      { share: 1, classes: ['twinRead'], caller: 'twinkeeper', kinds: [{ status: 503 }] },
      { share: 1, classes: ['twinRead', 'query'], kinds: [{ status: 500 }] },
    ]);
    const query = (registry: typeof hub.operator) => registry.createQuery('SELECT * FROM devices').next();
    expect((await refusal(hub.twinkeeper.getTwin('d'))).response.statusCode).toBe(503);
    expect((await refusal(hub.operator.getTwin('d'))).response.statusCode).toBe(500);
    expect((await refusal(query(hub.twinkeeper))).response.statusCode).toBe(500);
    expect((await refusal(query(hub.operator))).response.statusCode).toBe(500);
    await hub.twinkeeper.create({ deviceId: 'd' });
    expect(await report()).toMatchObject([
      { calls: 1, struck: 1 },
      { calls: 3, struck: 3 },
    ]);
  });

  it('ends a fault after its duration, by the hub’s own clock', async () => {
    const clock = new VirtualClock();
    await start([{ share: 1, kinds: [{ status: 500 }], seconds: 60 }], { clock, timeScale: 60 });
    expect(await statuses(1)).toEqual([500]);
    await clock.pass(999);
    expect(await statuses(1)).toEqual([500]);
    expect(await report()).toMatchObject([{ active: true }]);
    await clock.pass(1);
    expect(await statuses(1)).toEqual([404]);
    expect(await report()).toMatchObject([{ active: false, calls: 2, struck: 2 }]);
  });

  it('accepts and removes faults through the control endpoint', async () => {
    await start([]);
    expect(await report()).toEqual([]);
    const response = await put([{ share: 1, kinds: [{ status: 500 }] }]);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ faults: await report() });
    expect(await statuses(1)).toEqual([500]);
    expect((await control('/faults', { method: 'DELETE' })).status).toBe(204);
    expect(await statuses(1)).toEqual([404]);
  });

  it('does not count struck calls against the throttle', async () => {
    await start([{ share: 1, kinds: [{ status: 500 }], caller: 'twinkeeper' }], {
      clock: new VirtualClock(),
      throttle: { tier: 'S1', units: 1, burst: 0, queue: 0 },
    });
    await refusal(hub.twinkeeper.create({ deviceId: 'd' }));
    await hub.operator.create({ deviceId: 'd' });
    expect((await refusal(hub.operator.get('d'))).response.statusCode).toBe(429);
  });

  it.each([
    [undefined, 'faults must be a list of faults, and is missing'],
    [{}, 'faults must be a list of faults, and is {}'],
    [[{}], 'faults.0.share must be a number from 0 to 1, and is missing'],
    [[{ share: 20, kinds: [] }], 'faults.0.share must be a number from 0 to 1, and is 20'],
    [[{ share: 1, kinds: [] }], 'faults.0.kinds must hold at least one kind, and is []'],
    [[{ share: 1, kinds: [{ status: 200 }] }], 'faults.0.kinds.0 must be { status: 429 | 500 | 503'],
    [[{ share: 1, kinds: [{ drop: 'sometimes' }] }], 'and is {"drop":"sometimes"}'],
    [
      [{ share: 1, kinds: [{ delay: -1 }] }],
      'faults.0.kinds.0.delay must be a number of milliseconds, 0 or more, and is -1',
    ],
    [[{ share: 1, kinds: [{ status: 429, retryAfter: 0.5 }] }], 'retryAfter":0.5}'],
    [[{ share: 1, kinds: [{ delay: 1, drop: 'before' }] }], 'and is {"delay":1,"drop":"before"}'],
    [
      [{ share: 1, kinds: [{ drop: 'after' }], classes: ['twins'] }],
      'faults.0.classes.0 must be one of identity, twinRead',
    ],
    [[{ share: 1, kinds: [{ drop: 'after' }], classes: [] }], 'faults.0.classes must name a class'],
    [
      [{ share: 1, kinds: [{ drop: 'after' }], caller: 'me' }],
      'must be one of iothubowner, service, device, registryRead, registryReadWrite, operator, twinkeeper, and is "me"',
    ],
    [[{ share: 1, kinds: [{ drop: 'after' }], seconds: 0 }], 'faults.0.seconds must be more than 0 seconds, and is 0'],
    [[{ share: 1, kinds: [{ drop: 'after' }], seed: 0.5 }], 'faults.0.seed must be a whole number, and is 0.5'],
    [[{ share: 1, kinds: [{ drop: 'after' }], for: 5 }], 'seconds?, seed? } and nothing else'],
  ])('refuses %j and keeps its faults', async (faults, reason) => {
    await start([{ share: 1, kinds: [{ status: 503 }] }]);
    const response = await put(faults);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { Message: string }).Message).toContain(reason);
    expect(await statuses(1)).toEqual([503]);
  });

  it('refuses a body that is no object, and does not start with invalid faults', async () => {
    await start([]);
    for (const body of ['', '[]', 'null', '"all"']) {
      expect((await control('/faults', { method: 'PUT', body })).status).toBe(400);
    }
    await expect(startTestHub({ faults: [{ share: 2, kinds: [{ status: 500 }] }] })).rejects.toThrow('faults.0.share');
  });
});
