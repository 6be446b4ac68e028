import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  ComparedModule,
  DeadLettersPage,
  DeviceAnswer,
  PoliciesAnswer,
  ProblemAnswer,
  ReconcileAnswer,
  SummaryAnswer,
  SweepsAnswer,
} from '../../../functions/api/answers.ts';
import { policies as definitions } from '../../../functions/policies/index.ts';
import { deferredQueueName } from '../../../shared/retry/index.ts';
import { openQueue } from '../../../shared/storage/index.ts';
import { sweepQueueName } from '../../../shared/sweep/index.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import { newDeviceId } from '../../support/world.ts';
import { type Api, keys, startApi } from './api-host.ts';

let api: Api;
const agent = 'DefenderIotMicroAgent';
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());

const pathOf = (deviceId: string) => `devices/${encodeURIComponent(deviceId)}`;
const wrongIn = ({ properties }: ComparedModule) =>
  properties.filter(({ ok }) => !ok).map(({ path, kind, expected, actual }) => [path, kind, expected, actual]);
const moduleOf = ({ modules }: DeviceAnswer, moduleId: string) =>
  modules.find((module) => module.moduleId === moduleId) as ComparedModule;

describe('GET /api/devices/{deviceId}', () => {
  it.each(['plain', "we#ird?%2F%41+'*(x),:=@$!", '..x', '-', '%', 'a%25b', 'a+b'])(
    'tells of %s: its policies, its twins beside the baseline, its history',
    async (deviceId) => {
      await api.addDevice(deviceId);
      const { status, body } = await api.get<DeviceAnswer>(pathOf(deviceId));
      expect([status, body.deviceId, body.exists]).toEqual([200, deviceId, true]);
      expect(body.policies).toEqual(definitions.map(({ name }) => name));
      expect(body.modules.map((module) => [module.moduleId, module.exists, wrongIn(module)])).toEqual([
        ['azureiotsecurity', true, []],
        [agent, true, []],
      ]);
      expect(body.open).toEqual([]);
      expect(body.rows.map(({ kind, outcome }) => [kind, outcome])).toEqual([
        ['missingModule', 'created'],
        ['missingModule', 'created'],
      ]);
      expect(moduleOf(body, agent).desired).toEqual(await api.world.desiredOf(deviceId, agent));
    },
  );

  it('compares with the twin as it is now, whatever the history knows', async () => {
    const deviceId = await api.addDevice();
    api.disturb(deviceId, { Process_Disabled: true, Process_Mode: null, Mine: 1 });
    api.world.hub.registry.delete({ deviceId, moduleId: 'azureiotsecurity' }, '*');
    const { body } = await api.get<DeviceAnswer>(pathOf(deviceId));
    const wrong = wrongIn(moduleOf(body, agent));
    expect(wrong).toEqual([
      ['Process_Disabled', 'wrongValue', false, true],
      ['Process_Mode', 'missingProperty', 1, undefined],
    ]);
    expect(moduleOf(body, agent).properties).toContainEqual({
      policy: 'defender-micro-agent',
      path: 'Process_Disabled',
      rule: 'exactly false',
      expected: false,
      actual: true,
      ok: false,
      kind: 'wrongValue',
    });
    expect(moduleOf(body, agent).desired).toMatchObject({ Mine: 1 });
    const missing = moduleOf(body, 'azureiotsecurity');
    expect(missing).toMatchObject({ exists: false, policies: ['azureiotsecurity'] });
    expect(missing.properties[0]).toMatchObject({ path: '', kind: 'missingModule', rule: 'the module exists' });
    expect(missing.properties.every(({ ok, kind }) => !ok && kind === 'missingModule')).toBe(true);
    expect(body.rows).toHaveLength(2);
    await api.keeping.settle();
  });

  it('tells of one that the hub has no more, by the history', async () => {
    const deviceId = await api.addDevice();
    api.world.hub.registry.delete({ deviceId }, '*');
    await api.keeping.settle();
    const { status, body } = await api.get<DeviceAnswer>(pathOf(deviceId));
    expect([status, body.exists, body.modules, body.rows.length]).toEqual([200, false, [], 2]);
  });

  it('knows when there is none', async () => {
    const { status, type, body } = await api.get<ProblemAnswer>('devices/nobody');
    expect([status, type]).toEqual([404, 'application/problem+json']);
    expect(body).toMatchObject({ parameter: 'deviceId', detail: expect.stringContaining('"nobody"') });
  });

  it.each(['devices/a%20b', 'devices/%3Cscript%3E', `devices/${'x'.repeat(129)}`, 'devices/a%2Fb'])(
    'refuses %s, which is the id of no device',
    async (path) => {
      const { status, body } = await api.get<ProblemAnswer>(path);
      expect([status, body.parameter]).toEqual([400, 'deviceId']);
    },
  );
});

describe('POST /api/devices/{deviceId}/reconcile', () => {
  it('mends what is out of line now, and tells what came of it', async () => {
    const deviceId = await api.addDevice(newDeviceId('who#?'));
    api.disturb(deviceId, { Process_Disabled: true });
    api.world.hub.registry.delete({ deviceId, moduleId: 'azureiotsecurity' }, '*');
    const { status, body } = await api.post<ReconcileAnswer>(`${pathOf(deviceId)}/reconcile`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ deviceId, status: 'done', found: 2, changed: 2, open: [] });
    expect(body.rows.map(({ kind, source, outcome }) => `${kind} ${source} ${outcome}`).toSorted()).toEqual([
      'missingModule manual created',
      'wrongValue manual enforced',
    ]);
    expect(await api.world.desiredOf(deviceId, agent)).toMatchObject({ Process_Disabled: false });
    // The events of all that change nothing: it is one departure, whoever saw it.
    await api.keeping.settle();
    expect(await api.world.history(deviceId)).toHaveLength(4);
  });

  it('finds nothing on a device that is in line', async () => {
    const deviceId = await api.addDevice();
    const { body } = await api.post<ReconcileAnswer>(`${pathOf(deviceId)}/reconcile`);
    expect(body).toEqual({ deviceId, status: 'done', found: 0, changed: 0, rows: [], open: [] });
  });

  it('knows when there is none', async () => {
    const { status, body } = await api.post<ProblemAnswer>('devices/nobody/reconcile');
    expect([status, body.parameter]).toEqual([404, 'deviceId']);
  });
});

describe('GET /api/summary', () => {
  it('tells the counts of the hours', async () => {
    const deviceId = await api.addDevice();
    api.disturb(deviceId, { Process_Disabled: true });
    await api.keeping.settle();
    await api.count(40);
    const { status, body } = await api.get<SummaryAnswer>('summary');
    const rows = (await api.get<{ rows: { deviceId: string }[] }>('drift?limit=1000')).body.rows;
    expect([status, body.total, body.bucket]).toEqual([200, rows.length, '1h']);
    expect(body.buckets.reduce((sum, { total }) => sum + total, 0)).toBe(rows.length);
    expect(body.topDevices).toContainEqual({ deviceId, count: 3 });
    expect(body.timeToEnforcedMs?.p99).toBeGreaterThan(0);
    expect(body.compliance.map(({ policy, devices, compliant }) => [policy, devices, compliant])).toEqual(
      definitions.map(({ name }) => [name, 40, 40]),
    );
    const daily = await api.get<SummaryAnswer>('summary?from=-7d&bucket=1d');
    expect([daily.body.total, daily.body.buckets.length, daily.body.bucket]).toEqual([rows.length, 1, '1d']);
    const past = await api.get<SummaryAnswer>('summary?from=2026-01-01&to=2026-01-02');
    expect(past.body).toMatchObject({ from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z', total: 0 });
  });

  it('tells what it counted: whole hours, up to now, and when', async () => {
    const before = new Date().toISOString();
    await api.count(40);
    const { from, to, countedAt = '' } = (await api.get<SummaryAnswer>('summary?from=-90m')).body;
    expect(from).toMatch(/T\d\d:00:00\.000Z$/);
    expect(Date.now() - Date.parse(from)).toBeGreaterThanOrEqual(90 * 60_000);
    expect(Math.abs(Date.now() - Date.parse(to))).toBeLessThan(30_000);
    expect([countedAt >= before.slice(0, 19), countedAt <= new Date().toISOString()]).toEqual([true, true]);
    const past = (await api.get<SummaryAnswer>('summary?from=2026-01-01T05:20:00Z&to=2026-01-01T06:10:00Z')).body;
    expect(past).toMatchObject({ from: '2026-01-01T05:00:00.000Z', to: '2026-01-01T07:00:00.000Z' });
    expect(past).not.toHaveProperty('countedAt');
  });

  it('counts no hour that begins where the range ends', async () => {
    const hour = `${new Date().toISOString().slice(0, 13)}:00Z`;
    expect((await api.get<SummaryAnswer>(`summary?to=${hour}`)).body.total).toBe(0);
  });

  it.each([
    ['bucket=0h', 'bucket'],
    ['bucket=1m', 'bucket'],
    ['from=-4000d', 'from'],
    ['from=2026-01-02&to=2026-01-02', 'from'],
    ['to=never', 'to'],
    ['limit=1', 'limit'],
  ])('refuses %s', async (query, parameter) => {
    const { status, body } = await api.get<ProblemAnswer>(`summary?${query}`);
    expect([status, body.parameter]).toEqual([400, parameter]);
  });
});

describe('GET /api/policies', () => {
  it('tells what is in force, and how many devices are in line', async () => {
    const { status, body } = await api.get<PoliciesAnswer>('policies');
    expect(status).toBe(200);
    expect(
      body.policies.map(({ name, mode, createModule, openDevices }) => [name, mode, createModule, openDevices]),
    ).toEqual(definitions.map(({ name }) => [name, 'enforce', true, 0]));
    expect(body.policies[1]?.properties).toContainEqual({
      path: 'Process_Disabled',
      rule: 'exactly false',
      expected: false,
    });
    expect((await api.get<ProblemAnswer>('policies?name=x')).body).toMatchObject({ status: 400, parameter: 'name' });
  });
});

describe('GET /api/sweeps', () => {
  let now = Date.now();
  const ids: string[] = [];
  async function sweep(): Promise<void> {
    now += 1000;
    const store = createSweepStore(api.world.storage, () => new Date(now));
    const claim = await store.claim({ trigger: 'manual' });
    if (claim === undefined) throw new Error('Nobody else sweeps here.');
    ids.unshift(claim.id);
    await store.leave(claim, undefined, { ...claim.row, state: 'done', endedAt: new Date(now).toISOString() });
  }

  it('tells of all of them, newest first, to the end, while new ones begin', async () => {
    for (let count = 0; count < 5; count++) await sweep();
    const { status, body } = await api.get<SweepsAnswer>('sweeps');
    expect([status, body.sweeps.map(({ id, state }) => [id, state])]).toEqual([200, ids.map((id) => [id, 'done'])]);
    expect((await api.get<SweepsAnswer>('sweeps?limit=1')).body.sweeps.map(({ id }) => id)).toEqual(ids.slice(0, 1));

    const told: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await api.get<SweepsAnswer>(`sweeps?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`);
      expect([page.status, page.body.sweeps.length <= 2]).toEqual([200, true]);
      told.push(...page.body.sweeps.map(({ id }) => id));
      cursor = page.body.cursor;
      await sweep();
    } while (cursor !== undefined);
    expect(told).toEqual(ids.slice(-told.length));
    expect(told.length).toBeGreaterThanOrEqual(5);
  });

  it('tells of one that is under way, with what its parts came to so far', async () => {
    now += 1000;
    const store = createSweepStore(api.world.storage, () => new Date(now));
    const claim = await store.claim({ trigger: 'manual' });
    if (claim === undefined) throw new Error('Nobody else sweeps here.');
    ids.unshift(claim.id);
    await store.keep(claim, undefined, { ...claim.row, parts: 2, hubCalls: 1 });
    await store.addPart(claim.id, '1-0', { examined: 10, found: 4, changed: 3, hubCalls: 12, deferred: 1 });
    const { body } = await api.get<SweepsAnswer>('sweeps?limit=1');
    expect(body.sweeps).toMatchObject([{ id: claim.id, state: 'running', parts: 2, partsDone: 1, hubCalls: 13 }]);
    await store.leave(claim, undefined, { ...claim.row, state: 'done' });
  });
});

describe('/api/dead-letters', () => {
  const event = { body: { version: 1 }, properties: {}, systemProperties: {} };
  const put = (reason: string, state: 'dead' | 'parked' = 'dead') =>
    api.world.letters.put({ deviceId: 'lost', reason, state, event });

  it('are listed a page at a time, newest first, to the end, while new ones come; parked ones are not', async () => {
    const ids = new Set<string>();
    for (let count = 0; count < 5; count++) ids.add(await put(`reason ${count}`));
    const parked = await put('parked', 'parked');
    const told: string[] = [];
    let cursor: string | undefined;
    do {
      const { status, body } = await api.get<DeadLettersPage>(
        `dead-letters?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`,
      );
      expect([status, body.letters.length <= 2]).toEqual([200, true]);
      told.push(...body.letters.map(({ id }) => id));
      cursor = body.cursor;
      await put('came meanwhile');
      // The page may end with one that is put back before the next is asked for.
      if (told.length === 2) await api.world.letters.remove(told[1] ?? '');
    } while (cursor !== undefined);
    expect(told).toEqual(told.toSorted());
    expect(new Set(told)).toEqual(ids);
    expect(told).not.toContain(parked);
    const { body } = await api.get<DeadLettersPage>('dead-letters?limit=1000');
    expect(body.letters[0]).toEqual({
      id: expect.any(String),
      at: expect.any(String),
      deviceId: 'lost',
      reason: 'came meanwhile',
    });
  });

  it('are put back into the queue by a POST, once', async () => {
    const queue = await openQueue(api.world.storage, deferredQueueName);
    await queue.clearMessages();
    const id = await put('to be replayed');
    expect(await api.post(`dead-letters/${id}/replay`)).toMatchObject({
      status: 200,
      body: { id, status: 'replayed' },
    });
    expect((await queue.receiveMessages()).receivedMessageItems).toHaveLength(1);
    const again = await api.post<ProblemAnswer>(`dead-letters/${id}/replay`);
    expect([again.status, again.body.parameter]).toEqual([404, 'id']);
  });

  it('are not put back while a retry is on its way with them', async () => {
    const id = await put('too large', 'parked');
    expect((await api.post(`dead-letters/${id}/replay`)).status).toBe(404);
    expect(await api.world.letters.get(id)).toBeDefined();
  });

  it.each([
    ['limit=0', 'limit'],
    ['cursor=zzz', 'cursor'],
    ['cursor=9~~', 'cursor'],
    ['state=parked', 'state'],
  ])('refuse %s', async (query, parameter) => {
    const { status, body } = await api.get<ProblemAnswer>(`dead-letters?${query}`);
    expect([status, body.parameter]).toEqual([400, parameter]);
  });

  it.each(['9', '0', "x' or true"])('have no id like %s', async (id) => {
    const { status, body } = await api.post<ProblemAnswer>(`dead-letters/${encodeURIComponent(id)}/replay`);
    expect([status, body.parameter]).toEqual([400, 'id']);
  });
});

describe('POST /api/sweep', () => {
  it('asks for a sweep, which begins over the queue', async () => {
    const queue = await openQueue(api.world.storage, sweepQueueName);
    await queue.clearMessages();
    const { status, body } = await api.post('sweep');
    expect([status, body]).toEqual([202, { status: 'accepted', detail: expect.stringContaining('within seconds') }]);
    const { receivedMessageItems } = await queue.receiveMessages();
    expect(receivedMessageItems.map(({ messageText }) => JSON.parse(atob(messageText)) as unknown)).toEqual([
      { v: 1, type: 'start' },
    ]);
  });

  it('asks for none where something is wrong with the question, or with the key', async () => {
    const queue = await openQueue(api.world.storage, sweepQueueName);
    await queue.clearMessages();
    expect((await api.post<ProblemAnswer>('sweep?policy=agent')).body).toMatchObject({ parameter: 'policy' });
    for (const key of ['', 'wrong', keys.functionKey]) expect((await api.post('sweep', { key })).status).toBe(401);
    expect((await queue.peekMessages()).peekedMessageItems).toEqual([]);
  });
});

describe('GET /api/health', () => {
  it('needs no key, and says how things stand', async () => {
    const { status, body } = await api.get('health', { key: '' });
    expect([status, body]).toMatchObject([
      200,
      { status: 'healthy', checks: { hub: { ok: true }, storage: { ok: true } } },
    ]);
  });
});

describe('GET /api/dashboard', () => {
  it('is a page that loads nothing from elsewhere, and holds no key', async () => {
    const { status, type, text } = await api.get(`dashboard?code=${keys.functionKey}&policy=%3Cscript%3E`, { key: '' });
    expect([status, type]).toEqual([200, 'text/html; charset=utf-8']);
    expect(text).not.toContain(keys.functionKey);
    expect(text).not.toContain('<script>"');
    expect(text).toMatch(/^<!doctype html>/i);
  });
});
