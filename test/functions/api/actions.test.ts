import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActionsAnswer, DeadLettersPage, ProblemAnswer, ReleaseAnswer } from '../../../functions/api/answers.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { createActionLog } from '../../../shared/actions/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { principalHeader } from '../operators/principal-header.ts';
import { type Api, keys, startApi } from './api-host.ts';

let api: Api;
let deviceId: string;
beforeAll(async () => {
  api = await startApi();
  deviceId = await api.addDevice();
});
afterAll(() => api?.close());

/** The newest action. */
async function newest() {
  return (await api.get<ActionsAnswer>('actions?limit=1')).body.actions[0];
}

const encoded = (reason: string) => encodeURIComponent(reason);
const master = { type: 'key', key: 'master' };
const event = { body: { version: 1 }, properties: {}, systemProperties: {} };
const put = (reason: string) => api.world.deadLetters.put({ deviceId: 'lost', reason, state: 'dead', event });

describe('an action over the API', () => {
  it('is recorded: a sweep', async () => {
    await api.post(`sweep?reason=${encoded('the hub was restored')}`);
    expect(await newest()).toEqual({
      v: 1,
      id: expect.any(String),
      at: expect.any(String),
      action: 'sweep',
      by: master,
      target: {},
      reason: 'the hub was restored',
      result: 'done',
      detail: 'A sweep was requested.',
      endedAt: expect.any(String),
      appVersion: packageJson.version,
    });
  });

  it('is recorded: a reconcile of a device, with what it found', async () => {
    api.disturb(deviceId, { Process_Disabled: true });
    await api.post(`devices/${deviceId}/reconcile?reason=drill`);
    expect(await newest()).toMatchObject({
      action: 'reconcile',
      by: master,
      target: { deviceId },
      reason: 'drill',
      result: 'done',
      detail: 'Drifts found: 1. Properties and modules repaired: 1.',
    });
  });

  it('is recorded: a replay, and the letter stays and says who replayed it', async () => {
    const id = await put('to be replayed');
    expect((await api.post(`dead-letters/${id}/replay`)).status).toBe(200);
    expect(await newest()).toMatchObject({
      action: 'replay',
      target: { deadLetterId: id, deviceId: 'lost' },
      reason: '',
      result: 'done',
    });
    const ids = async (query: string) =>
      (await api.get<DeadLettersPage>(`dead-letters${query}`)).body.letters.map((letter) => letter.id);
    expect(await ids('')).not.toContain(id);
    expect(await ids('?state=dead')).not.toContain(id);
    const { body } = await api.get<DeadLettersPage>('dead-letters?state=replayed');
    expect(body.letters.find((letter) => letter.id === id)).toEqual({
      id,
      at: expect.any(String),
      reason: 'to be replayed',
      deviceId: 'lost',
      replayed: { at: expect.any(String), by: 'master key' },
    });
    const again = await api.post<ProblemAnswer>(`dead-letters/${id}/replay`);
    expect([again.status, again.body.detail]).toEqual([404, expect.stringMatching(/was replayed at .* by master key/)]);
  });

  it('is not recorded when nothing was done', async () => {
    const before = await newest();
    for (const path of [
      'dead-letters/98235000000000-01234567-0123-0123-0123-0123456789ab/replay',
      'devices/nobody/reconcile',
      'sweep?nothing=1',
      `sweep?reason=${'x'.repeat(501)}`,
    ]) {
      expect((await api.post(path)).status).toBeGreaterThanOrEqual(400);
    }
    expect((await api.post('sweep', { key: keys.functionKey })).status).toBe(401);
    expect(await newest()).toEqual(before);
  });

  it('is not attributed to a principal whom the platform has not authenticated', async () => {
    await fetch(`${api.base}/sweep`, {
      method: 'POST',
      headers: {
        'x-functions-key': keys.masterKey,
        'x-ms-client-principal': principalHeader(['Twinkeeper.Operator'], 'mallory@example.com'),
        'x-ms-client-principal-name': 'mallory@example.com',
      },
    });
    expect((await newest())?.by).toEqual(master);
  });

  it('keeps a hostile reason as one line of text, and never a key', async () => {
    await api.post(`sweep?reason=${encoded('<script>\u001b[2J\r\nfake: line\u202e\u0000')}`);
    expect((await newest())?.reason).toBe('<script> [2J fake: line');
    const { text } = await api.get('actions');
    for (const key of Object.values(keys)) expect(text).not.toContain(key);
  });
});

describe('GET /api/actions', () => {
  const start = Date.UTC(2026, 0, 1);
  beforeAll(async () => {
    let time = start;
    const log = createActionLog(api.world.storage, { now: () => new Date(time), appVersion: '1' });
    for (let number = 0; number < 5; number++) {
      const target = { policy: number % 2 === 0 ? 'agent' : 'other' };
      const intent = { action: 'release', by: { type: 'commandLine', user: 'ada', host: 'h' }, target } as const;
      await log.record({ ...intent, reason: String(number) }, async () => {}, String);
      time += 60_000;
    }
  });
  const reasons = async (query: string) =>
    (await api.get<ActionsAnswer>(`actions?${query}`)).body.actions.map(({ reason }) => reason);

  it('filters by time, kind and policy', async () => {
    expect(await reasons('to=2026-01-02')).toEqual(['4', '3', '2', '1', '0']);
    expect(await reasons('from=2026-01-01T00:01:00Z&to=2026-01-01T00:03:00Z')).toEqual(['2', '1']);
    expect(await reasons('policy=agent')).toEqual(['4', '2', '0']);
    expect(await reasons('action=release&policy=other&from=2026-01-01T00:02Z')).toEqual(['3']);
    expect(await reasons('action=release&from=-1h')).toEqual([]);
  });

  it('has pages', async () => {
    const first = await api.get<ActionsAnswer>('actions?action=release&limit=3');
    expect(first.body.actions.map(({ reason }) => reason)).toEqual(['4', '3', '2']);
    const second = await api.get<ActionsAnswer>(`actions?action=release&limit=3&cursor=${first.body.cursor}`);
    expect(second.body).toEqual({ actions: [{}, {}].map(() => expect.anything()) });
    expect(second.body.actions.map(({ reason }) => reason)).toEqual(['1', '0']);
  });

  it.each([
    ['limit=1001', 'limit'],
    ['cursor=zzz', 'cursor'],
    ['action=dance', 'action'],
    ["policy=a' or true", 'policy'],
    ['from=yesterday', 'from'],
    ['from=2026-02-30', 'from'],
    ['from=2026-02-02&to=2026-02-01', 'from'],
    ['who=ada', 'who'],
  ])('refuses %s', async (query, parameter) => {
    const { status, body } = await api.get<ProblemAnswer>(`actions?${query}`);
    expect([status, body.parameter]).toEqual([400, parameter]);
  });
});

describe('a release over the API', () => {
  it('is recorded, and lifts the limit of the policy for an hour', async () => {
    const { status, body } = await api.post<ReleaseAnswer>(`policies/defender-micro-agent/release?reason=4711`);
    expect(status).toBe(200);
    const hour = Date.parse(body.until) - Date.now();
    expect([hour > 3_500_000, hour <= 3_600_000]).toEqual([true, true]);
    const guards = createGuardStore(api.world.storage);
    expect((await guards.releasedUntil('defender-micro-agent'))?.toISOString()).toBe(body.until);
    expect(await newest()).toMatchObject({
      action: 'release',
      by: master,
      target: { policy: 'defender-micro-agent' },
      reason: '4711',
      result: 'done',
    });
    const unknown = await api.post<ProblemAnswer>('policies/nothing/release');
    expect([unknown.status, unknown.body.parameter]).toEqual([404, 'policy']);
  });
});
