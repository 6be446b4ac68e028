import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Middleware } from '../../../infra/local/hub/http-service.ts';
import type { Clock } from '../../../shared/clock.ts';
import { withDeadline } from '../../../shared/hub/deadline.ts';
import { connectToHub, type Hub, type IotHubOptions } from '../../../shared/hub/index.ts';
import { startTestHub, type TestHub } from '../../infra/local/hub/hub-client.ts';

/** What the hub does with the next calls; when there is nothing left, it is well. */
let trouble: ('throttle' | 'throttle for 3 s' | 'throttle entries' | 'fail' | 'hang' | 'wait')[] = [];
let asked = 0;
/** Calls that the hub keeps waiting, to be answered by a test. */
let waiting: (() => void)[] = [];

const fault: Middleware = async (_, next) => {
  asked++;
  switch (trouble.shift()) {
    case 'throttle':
      return {
        status: 429,
        headers: { 'retry-after': '0' },
        body: { Message: 'ErrorCode:ThrottlingException;slow down' },
      };
    case 'throttle for 3 s':
      return {
        status: 429,
        headers: { 'retry-after': '3' },
        body: { Message: 'ErrorCode:ThrottlingException;slow down' },
      };
    case 'throttle entries':
      return {
        status: 200,
        body: {
          isSuccessful: false,
          errors: [{ deviceId: 'x', errorCode: 'ThrottlingException', errorStatus: 'slow' }],
        },
      };
    case 'wait':
      await new Promise<void>((resolve) => waiting.push(resolve));
      return next();
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

/** The hub, without anything that an earlier test has taught its budget. */
function connect(options: IotHubOptions = {}, port = local.httpsPort): Hub {
  const connectionString = local.connectionString('twinkeeper').replace('localhost', `localhost:${port}`);
  const quick = { retries: 3, firstDelay: 1, longestDelay: 2, idleTimeout: 1000, budget: plenty };
  return connectToHub({ connectionString }, { ca: local.ca, ...quick, ...options });
}

beforeAll(async () => {
  local = await startTestHub({ middleware: [fault] });
});
afterAll(() => local.close());
beforeEach(() => {
  trouble = [];
  asked = 0;
  waiting = [];
  hub = connect();
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

describe('another lane', () => {
  it('shares the budget: what one has used up, the other waits for', async () => {
    const budgeted = connect({ budget: { tier: 'S1', units: 1, share: 0.01 }, longestWait: 0 });
    const sweep = budgeted.lane('sweep');
    expect([budgeted.waitFor('query'), sweep.waitFor('query')]).toEqual([0, 0]);
    for (let page = 0; page < 10; page++) {
      expect(await sweep.queryPage('SELECT * FROM devices')).toMatchObject({ ok: true });
    }
    // What is kept for events is there for them only.
    expect(await sweep.queryPage('SELECT * FROM devices')).toMatchObject({ ok: false, problem: { type: 'throttled' } });
    expect(sweep.waitFor('query')).toBeGreaterThan(0);
    expect(budgeted.waitFor('query')).toBe(0);
    for (let page = 0; page < 2; page++) {
      expect(await budgeted.queryPage('SELECT * FROM devices')).toMatchObject({ ok: true });
    }
    expect(await budgeted.queryPage('SELECT * FROM devices')).toMatchObject({ ok: false });
    expect(asked).toBe(12);
    // Other classes have a budget of their own.
    expect([budgeted.waitFor('twinRead'), sweep.waitFor('bulk')]).toEqual([0, 0]);
  });

  it('is told of each call that is made through it, and of no other', async () => {
    await local.operator.create({ deviceId: 'counted' });
    let calls = 0;
    const counted = hub.lane('sweep', () => calls++);
    trouble = ['fail', 'throttle'];
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

describe('the budget', () => {
  it('withholds a call that would have to wait too long, and says when there is room', async () => {
    const poor = connect({ budget: { tier: 'S1', units: 1, share: 0.01 }, longestWait: 1000 });
    for (let call = 0; call < 12; call++) await poor.countDevices();
    const answer = await poor.countDevices();
    expect(asked).toBe(12);
    expect(answer).toMatchObject({
      ok: false,
      problem: { type: 'throttled', message: expect.stringContaining('not sent'), retryAfter: expect.any(Number) },
    });
    const retryAfter = !answer.ok && answer.problem.type === 'throttled' ? (answer.problem.retryAfter ?? 0) : 0;
    // A hundredth of 100 a minute.
    expect(retryAfter).toBeGreaterThan(50_000);
    expect(retryAfter).toBeLessThanOrEqual(60_000);
  });

  it('takes from retries, too', async () => {
    const poor = connect({ budget: { tier: 'S1', units: 1, share: 0.01 }, longestWait: 0, retries: 20 });
    trouble = Array(20).fill('fail');
    expect(await poor.countDevices()).toMatchObject({
      ok: false,
      problem: { message: expect.stringContaining('not sent') },
    });
    expect(asked).toBe(12);
  });

  it('is what a call may wait for only so long over all its attempts', async () => {
    const { clock } = quickClock();
    const hurried = connect({ clock, random: () => 0, firstDelay: 500, longestDelay: 10_000, longestWait: 5000 });
    trouble = Array(3).fill('throttle for 3 s');
    // It waits 2750 ms for the first attempt, and cannot wait as long again.
    expect(await hurried.countDevices()).toMatchObject({
      ok: false,
      problem: { message: expect.stringContaining('not sent') },
    });
    expect(asked).toBe(2);
  });

  it('learns from a bulk call of which the hub had room for a part', async () => {
    const poor = connect({ budget: { tier: 'S1', units: 1, share: 1 } });
    trouble = ['throttle entries'];
    const modules = ['x', 'y'].map((deviceId) => ({ deviceId, moduleId: 'm', desired: {}, tags: {} }));
    expect(await poor.createModules(modules)).toMatchObject([
      { ok: false, problem: { type: 'throttled' } },
      { ok: true },
    ]);
    expect(poor.waitFor('bulk')).toBeGreaterThan(0);
    expect(poor.waitFor('identity')).toBe(0);
  });

  it('refuses one that is none', () => {
    expect(() => connect({ budget: { share: 2 } })).toThrow('2');
  });

  it('waits for Retry-After once, for the call that was throttled and for all others of its class', async () => {
    const { clock, slept } = quickClock();
    const patient = connect({ clock, random: () => 0, firstDelay: 500, longestDelay: 10_000 });
    trouble = ['throttle for 3 s'];
    const started = clock.now().getTime();
    expect(await patient.countDevices()).toMatchObject({ ok: true });
    expect(asked).toBe(2);
    // The backoff is part of it: 250 and 2750.
    expect(clock.now().getTime() - started).toBe(3000);
    expect(slept).toEqual([250, 2750]);
  });

  it('gives a call up at once that the hub wants later than it can wait', async () => {
    const { clock, slept } = quickClock();
    const hurried = connect({ clock, random: () => 0, firstDelay: 500, longestDelay: 10_000, longestWait: 2000 });
    trouble = ['throttle for 3 s'];
    expect(await hurried.countDevices()).toMatchObject({ ok: false, problem: { type: 'throttled', retryAfter: 2750 } });
    expect(slept).toEqual([250]);
    expect(hurried.waitFor('identity')).toBe(2750);
    expect(hurried.waitFor('bulk')).toBe(0);
  });
});

describe('several bulk calls', () => {
  it('are made at once, and answered in the order of the modules', async () => {
    const ids = Array.from({ length: 250 }, (_, n) => `bulk-${n}`);
    for (let start = 0; start < ids.length; start += 100) {
      await local.operator.addDevices(ids.slice(start, start + 100).map((deviceId) => ({ deviceId })));
    }
    const modules = ids.map((deviceId) => ({ deviceId, moduleId: 'm', desired: {}, tags: {} }));
    modules.splice(120, 0, { deviceId: 'nobody', moduleId: 'm', desired: {}, tags: {} });
    asked = 0;
    trouble = ['wait', 'wait', 'wait'];
    const patient = connect({ idleTimeout: 10_000 });
    const answers = patient.createModules(modules);
    // None is answered before all three have been asked.
    await expect.poll(() => waiting.length, { timeout: 20_000 }).toBe(3);
    for (const answer of waiting.toReversed()) answer();
    expect((await answers).flatMap(({ ok }, index) => (ok ? [] : [index]))).toEqual([120]);
    expect(asked).toBe(3);
  });
});

describe('a hub that is slow', () => {
  it('is given up at the deadline though nothing has been sent that could be broken off', async () => {
    await expect(withDeadline({ deadline: 10 }, () => new Promise(() => {}))).rejects.toThrow('10 ms');
    await expect(withDeadline({ deadline: Number.POSITIVE_INFINITY }, async () => 'in time')).resolves.toBe('in time');
  });

  it('is given up at the deadline though it answers a byte now and then, and the connection is closed', async () => {
    const closed = Promise.withResolvers<void>();
    const server = createServer(local.credentials.tls, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 20);
      response.on('close', () => {
        clearInterval(drip);
        closed.resolve();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const dripping = connect({ deadline: 300, retries: 0, idleTimeout: 60_000 }, port);
      expect(await dripping.countDevices()).toMatchObject({
        ok: false,
        problem: { type: 'transient', message: expect.stringContaining('300 ms') },
      });
      await closed.promise;
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('may think longer about a query than about anything else', async () => {
    const patient = connect({ deadline: 1000, queryDeadline: 30_000, idleTimeout: 500 });
    // The connection that the query will go by.
    await patient.countDevices();
    trouble = ['wait', ...Array<'hang'>(4).fill('hang')];
    const page = patient.queryPage('SELECT * FROM devices');
    await expect.poll(() => waiting.length, { timeout: 20_000 }).toBe(1);
    // Anything else has been given up several times over before the query is answered.
    expect(await patient.countDevices()).toMatchObject({ ok: false, problem: { type: 'transient' } });
    for (const answer of waiting) answer();
    expect(await page).toMatchObject({ ok: true });
  });
});

/** A clock that has already slept. */
function quickClock(): { readonly clock: Clock; readonly slept: number[] } {
  let time = Date.now();
  const slept: number[] = [];
  const clock: Clock = {
    now: () => new Date(time),
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
      time += milliseconds;
    },
  };
  return { clock, slept };
}
