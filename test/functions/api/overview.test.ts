/** Tests the endpoints about the whole fleet: the summary, the policies and the health check. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HealthDetails, PoliciesAnswer, ProblemAnswer, SummaryAnswer } from '../../../functions/api/answers.ts';
import { policies } from '../../support/fixture-policies.ts';
import { type Api, startApi } from './api-host.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());

describe('GET /api/summary', () => {
  it('counts the drift of each hour', async () => {
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
      policies.map(({ name }) => [name, 40, 40]),
    );
    const daily = await api.get<SummaryAnswer>('summary?from=-7d&bucket=1d');
    expect([daily.body.total, daily.body.buckets.length, daily.body.bucket]).toEqual([rows.length, 1, '1d']);
    const past = await api.get<SummaryAnswer>('summary?from=2026-01-01&to=2026-01-02');
    expect(past.body).toMatchObject({ from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z', total: 0 });
  });

  it('counts only what matches filters, also before the next roll-up', async () => {
    const deviceId = await api.addDevice();
    api.disturb(deviceId, { Process_Disabled: true });
    await api.keeping.settle();
    const ofDevice = (await api.get<SummaryAnswer>(`summary?deviceId=${deviceId}`)).body;
    expect([ofDevice.total, ofDevice.topDevices]).toEqual([3, [{ deviceId, count: 3 }]]);
    expect(ofDevice).not.toHaveProperty('incompleteBefore');
    const policy = 'defender-micro-agent';
    const both = (await api.get<SummaryAnswer>(`summary?deviceId=${deviceId}&policy=${policy}&kind=wrongValue`)).body;
    expect([both.total, both.topProperties]).toEqual([1, [{ policy, path: 'Process_Disabled', count: 1 }]]);
    expect(both.compliance.every((entry) => entry.policy === policy)).toBe(true);
  });

  it('reports the range of whole hours that was counted, and when', async () => {
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

  it('leaves out the hour that begins where the range ends', async () => {
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
  it('lists the policies with the number of devices that have open drift', async () => {
    const { status, body } = await api.get<PoliciesAnswer>('policies');
    expect(status).toBe(200);
    expect(
      body.policies.map(({ name, mode, createModule, openDevices }) => [name, mode, createModule, openDevices]),
    ).toEqual(policies.map(({ name }) => [name, 'enforce', true, 0]));
    expect(body.policies[1]?.properties).toContainEqual({
      path: 'Process_Disabled',
      rule: 'exactly false',
      expected: false,
    });
    expect((await api.get<ProblemAnswer>('policies?name=x')).body).toMatchObject({ status: 400, parameter: 'name' });
  });
});

describe('GET /api/health', () => {
  it('answers without a key with the status only, from one check for all callers', async () => {
    const before = await api.world.calls();
    const answers = await Promise.all(Array.from({ length: 100 }, () => api.get('health', { key: '' })));
    for (const { status, body } of answers) expect([status, body]).toEqual([200, { status: 'healthy' }]);
    const { statistics = 0 } = await api.world.calls();
    expect(statistics - (before.statistics ?? 0)).toBe(1);
  });

  it('has its details at an address that needs a key, from the same check', async () => {
    expect((await api.get('health/details', { key: '' })).status).toBe(401);
    const { status, body } = await api.get<HealthDetails>('health/details');
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'healthy', checks: { hub: { ok: true }, storage: { ok: true } } });
    expect((await api.get('health/details')).body).toEqual(body);
  });
});
