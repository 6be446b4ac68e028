import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Middleware } from '../../../infra/local/hub/http-service.ts';
import { connectToHub, type Hub } from '../../../shared/hub/index.ts';
import { startTestHub, type TestHub } from '../../infra/local/hub/hub-client.ts';

/** What the hub does with the next calls; when there is nothing left, it is well. */
let trouble: ('throttle' | 'fail' | 'hang')[] = [];
let asked = 0;

const fault: Middleware = async (_, next) => {
  asked++;
  switch (trouble.shift()) {
    case 'throttle':
      return {
        status: 429,
        headers: { 'retry-after': '0' },
        body: { Message: 'ErrorCode:ThrottlingException;slow down' },
      };
    case 'fail':
      return { status: 503, body: { Message: 'ErrorCode:ServiceUnavailable;try later' } };
    case 'hang':
      return new Promise(() => {});
    default:
      return next();
  }
};

/** No test waits for it. */
const plenty = { tier: 'S3', units: 10, share: 1 } as const;

let local: TestHub;
let hub: Hub;
beforeAll(async () => {
  local = await startTestHub({ before: [fault] });
  const connectionString = local.connectionString('twinkeeper').replace('localhost', `localhost:${local.httpsPort}`);
  hub = connectToHub(
    { connectionString },
    { ca: local.ca, retries: 3, firstDelay: 1, longestDelay: 2, idleTimeout: 250, budget: plenty },
  );
});
afterAll(() => local.close());
beforeEach(() => {
  trouble = [];
  asked = 0;
});

it('is asked again where that can help, through the real client', async () => {
  await local.operator.create({ deviceId: 'd' });
  asked = 0;
  trouble = ['throttle', 'fail', 'hang'];
  expect(await hub.readTwin('d', '')).toMatchObject({ ok: true, value: { deviceId: 'd' } });
  expect(asked).toBe(4);
});

it('that stays throttled is given up with what it said', async () => {
  trouble = Array(4).fill('throttle');
  expect(await hub.countDevices()).toMatchObject({
    ok: false,
    problem: { type: 'throttled', message: expect.stringContaining('slow down') },
  });
  expect(asked).toBe(4);
});

it('that does not know a device is asked once', async () => {
  expect(await hub.readTwin('nobody', '')).toMatchObject({ ok: false, problem: { type: 'gone', what: 'device' } });
  expect(asked).toBe(1);
});

it('tells a missing module from a missing device', async () => {
  await local.operator.create({ deviceId: 'e' });
  expect(await hub.readTwin('e', 'm')).toMatchObject({ ok: false, problem: { type: 'gone', what: 'module' } });
});

it('creates in bulk what can be created, and says of each of the others why not', async () => {
  await local.operator.addDevices([{ deviceId: 'a' }, { deviceId: 'b' }]);
  const module = (deviceId: string) => ({ deviceId, moduleId: 'm', desired: { x: 1 }, tags: { t: 'y' } });
  await hub.createModules([module('b')]);
  asked = 0;
  trouble = ['fail'];
  expect(await hub.createModules([module('a'), module('b'), module('nobody')])).toMatchObject([
    { ok: true },
    { ok: false, problem: { type: 'exists' } },
    { ok: false, problem: { type: 'gone', what: 'device' } },
  ]);
  expect(asked).toBe(2);
  expect(await hub.readTwin('a', 'm')).toMatchObject({
    value: { desired: { properties: { x: 1 } }, tags: { t: 'y' } },
  });
});

it('takes a patch only for the twin that was read', async () => {
  await local.operator.create({ deviceId: 'p' });
  const twin = await hub.readTwin('p', '');
  const etag = twin.ok ? twin.value.etag : '';
  expect(await hub.patchDesired('p', '', etag, { x: 1 })).toMatchObject({ ok: true });
  expect(await hub.patchDesired('p', '', etag, { x: 2 })).toMatchObject({ ok: false, problem: { type: 'conflict' } });
});
