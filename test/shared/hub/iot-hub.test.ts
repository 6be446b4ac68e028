import { beforeEach, describe, expect, it } from 'vitest';
import type { Hub } from '../../../shared/hub/index.ts';
import { FaultyHub } from './faulty-hub.ts';

const faulty = new FaultyHub();
let hub: Hub;
beforeEach(() => {
  hub = faulty.connect();
});

describe('a call to the hub', () => {
  it('is retried after throttling, a server error and a time-out', async () => {
    await faulty.local.operator.create({ deviceId: 'd' });
    faulty.callCount = 0;
    faulty.faults = ['throttle', 'fail', 'hang'];
    expect(await hub.readTwin('d', '')).toMatchObject({ ok: true, value: { deviceId: 'd' } });
    expect(faulty.callCount).toBe(4);
  });

  it('returns the last problem when the hub stays throttled', async () => {
    faulty.faults = Array(4).fill('throttle');
    expect(await hub.countDevices()).toMatchObject({
      ok: false,
      problem: { type: 'throttled', message: expect.stringContaining('slow down') },
    });
    expect(faulty.callCount).toBe(4);
  });

  it('is not retried when the device does not exist', async () => {
    expect(await hub.readTwin('nobody', '')).toMatchObject({ ok: false, problem: { type: 'gone', what: 'device' } });
    expect(faulty.callCount).toBe(1);
  });

  it('distinguishes a missing module from a missing device', async () => {
    await faulty.local.operator.create({ deviceId: 'e' });
    expect(await hub.readTwin('e', 'm')).toMatchObject({ ok: false, problem: { type: 'gone', what: 'module' } });
  });

  it('creates modules in bulk, and returns a problem for each module that cannot be created', async () => {
    await faulty.local.operator.addDevices([{ deviceId: 'a' }, { deviceId: 'b' }]);
    const module = (deviceId: string) => ({ deviceId, moduleId: 'm', desired: { x: 1 }, tags: { t: 'y' } });
    await hub.createModules([module('b')]);
    faulty.callCount = 0;
    faulty.faults = ['throttle'];
    expect(await hub.createModules([module('a'), module('b'), module('nobody')])).toMatchObject([
      { ok: true },
      { ok: false, problem: { type: 'exists' } },
      { ok: false, problem: { type: 'gone', what: 'device' } },
    ]);
    expect(faulty.callCount).toBe(2);
    expect(await hub.readTwin('a', 'm')).toMatchObject({
      value: { desired: { properties: { x: 1 } }, tags: { t: 'y' } },
    });
  });

  const module = (deviceId: string, moduleId = 'm') => ({ deviceId, moduleId, desired: {}, tags: {} });
  const unclear = { ok: false, problem: { type: 'unclear' } };
  const gone = { ok: false, problem: { type: 'gone' } };
  const notFound = { errorCode: 'DeviceNotFound', errorStatus: 'no such device' };
  const warning = { warningCode: 'DeviceRegisteredWithoutTwin', warningStatus: 'without its twin' };
  it.each([
    ['without success and without errors', { isSuccessful: false, errors: [] }, [unclear, unclear]],
    [
      'without success and with all errors',
      { isSuccessful: false, errors: [{ deviceId: 'b', ...notFound }] },
      [{ ok: true }, gone],
    ],
    [
      'with an error of a module',
      { isSuccessful: false, errors: [{ deviceId: 'b', moduleId: 'm', ...notFound }] },
      [{ ok: true }, gone],
    ],
    [
      'with an error of a device',
      { isSuccessful: false, errors: [{ deviceId: 'b', moduleId: '', ...notFound }] },
      [{ ok: true }, gone],
    ],
    [
      'with an error of another module',
      { isSuccessful: false, errors: [{ deviceId: 'b', moduleId: 'x', ...notFound }] },
      [unclear, unclear],
    ],
    ['with an error of no device', { isSuccessful: false, errors: [notFound] }, [unclear, unclear]],
    [
      'with a warning',
      { isSuccessful: true, errors: [], warnings: [{ deviceId: 'b', ...warning }] },
      [{ ok: true }, unclear],
    ],
  ])('reads the whole answer to a bulk call: %s', async (_, body, expected) => {
    faulty.faults = ['answer'];
    faulty.body = body;
    expect(await hub.createModules([module('a'), module('b')])).toMatchObject(expected);
  });

  it('gives an error of a device to every module of the device', async () => {
    const error = { deviceId: 'a', moduleId: null, ...notFound };
    faulty.faults = ['answer', 'answer'];
    faulty.body = { isSuccessful: false, errors: [error] };
    expect(await hub.createModules([module('a', 'm'), module('a', 'n')])).toMatchObject([gone, gone]);
  });

  it('patches a twin only when its ETag has not changed', async () => {
    await faulty.local.operator.create({ deviceId: 'p' });
    const twin = await hub.readTwin('p', '');
    const etag = twin.ok ? twin.value.etag : '';
    expect(await hub.patchDesired('p', '', etag, { x: 1 })).toMatchObject({ ok: true });
    expect(await hub.patchDesired('p', '', etag, { x: 2 })).toMatchObject({ ok: false, problem: { type: 'conflict' } });
  });
});

describe('several bulk calls', () => {
  it('are concurrent, and their answers are in the order of the modules', async () => {
    const ids = Array.from({ length: 250 }, (_, n) => `bulk-${n}`);
    for (let start = 0; start < ids.length; start += 100) {
      await faulty.local.operator.addDevices(ids.slice(start, start + 100).map((deviceId) => ({ deviceId })));
    }
    const modules = ids.map((deviceId) => ({ deviceId, moduleId: 'm', desired: {}, tags: {} }));
    modules.splice(120, 0, { deviceId: 'nobody', moduleId: 'm', desired: {}, tags: {} });
    faulty.callCount = 0;
    faulty.faults = ['wait', 'wait', 'wait'];
    const patient = faulty.connect({ idleTimeout: 10_000 });
    const answers = patient.createModules(modules);
    // The hub has received all three bulk calls, and has answered none of them.
    await expect.poll(() => faulty.waiting.length, { timeout: 20_000 }).toBe(3);
    for (const release of faulty.waiting.toReversed()) release();
    expect((await answers).flatMap(({ ok }, index) => (ok ? [] : [index]))).toEqual([120]);
    expect(faulty.callCount).toBe(3);
  });
});

describe('a lane of the hub', () => {
  it('shares the budget with the other lane', async () => {
    const budgeted = faulty.connect({ budget: { tier: 'S1', units: 1, share: 0.01 }, longestWait: 0 });
    const sweep = budgeted.lane('sweep');
    expect([budgeted.waitFor('query'), sweep.waitFor('query')]).toEqual([0, 0]);
    for (let page = 0; page < 10; page++) {
      expect(await sweep.queryPage('SELECT * FROM devices')).toMatchObject({ ok: true });
    }
    // The last two tokens of the budget are reserved for events, so this call of the sweep is refused.
    expect(await sweep.queryPage('SELECT * FROM devices')).toMatchObject({ ok: false, problem: { type: 'throttled' } });
    expect(sweep.waitFor('query')).toBeGreaterThan(0);
    expect(budgeted.waitFor('query')).toBe(0);
    for (let page = 0; page < 2; page++) {
      expect(await budgeted.queryPage('SELECT * FROM devices')).toMatchObject({ ok: true });
    }
    expect(await budgeted.queryPage('SELECT * FROM devices')).toMatchObject({ ok: false });
    expect(faulty.callCount).toBe(12);
    // Each class of operations has its own budget, so calls of other classes need not wait.
    expect([budgeted.waitFor('twinRead'), sweep.waitFor('bulk')]).toEqual([0, 0]);
  });

  it('reports each call that is made through it, and no other call', async () => {
    await faulty.local.operator.create({ deviceId: 'counted' });
    let calls = 0;
    const counted = hub.lane('sweep', () => calls++);
    faulty.faults = ['fail', 'throttle'];
    await counted.readTwin('counted', '');
    expect(calls).toBe(3);
    await counted.countDevices();
    await counted.queryPage('SELECT * FROM devices');
    await counted.listConfigurations();
    await counted.createModules([{ deviceId: 'counted', moduleId: 'm', desired: {}, tags: {} }]);
    await counted.patchDesired('counted', '', 'no such', {});
    expect(calls).toBe(8);
    await hub.countDevices();
    await counted.lane('events').countDevices();
    expect(calls).toBe(8);
  });
});
