/** Tests the endpoints about the whole fleet: the summary, the policies and the health check. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HealthDetails, PoliciesAnswer, ProblemAnswer, SummaryAnswer } from '../../../functions/api/answers.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
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
    // The creations of the modules of a new device are its onboarding, and no departures.
    expect(body.topDevices).toContainEqual({ deviceId, count: 1 });
    expect(body.onboarding).toMatchObject({ total: 2, byKind: { missingModule: 2 }, byOutcome: { created: 2 } });
    expect(body.buckets[0]?.onboarding).toEqual(body.onboarding);
    expect(body.timeToEnforcedMs?.p99).toBeGreaterThan(0);
    expect(body.compliance.map(({ policy, devices, compliant }) => [policy, devices, compliant])).toEqual(
      policies.map(({ name }) => [name, 40, 40]),
    );
    expect(body.fleet).toMatchObject([{ devices: 40, compliant: 40, meanPercent: 100, minPercent: 100 }]);
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
    expect([ofDevice.total, ofDevice.onboarding?.total, ofDevice.topDevices]).toEqual([3, 2, [{ deviceId, count: 1 }]]);
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

  it('begins buckets at local midnight', async () => {
    const { body } = await api.get<SummaryAnswer>('summary?from=-7d&bucket=1d&zone=Asia/Kolkata');
    const starts = [...body.buckets, ...body.fleet.map(({ at }) => ({ from: at }))].map(({ from }) =>
      from.slice(11, 16),
    );
    // Midnight in India is at 18:30 UTC, and counts are by whole hours (UTC).
    expect(new Set(starts)).toEqual(new Set(['19:00']));
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
    ['zone=Europe/Atlantis', 'zone'],
    ['zone=', 'zone'],
  ])('refuses %s', async (query, parameter) => {
    const { status, body } = await api.get<ProblemAnswer>(`summary?${query}`);
    expect([status, body.parameter]).toEqual([400, parameter]);
  });
});

describe('GET /api/policies', () => {
  it('says null for the compliance of the fleet until a sweep has counted it, and counts each device once', async () => {
    const nothing = {
      devices: null,
      devicesCountedAt: null,
      isExact: null,
      outOfLine: 0,
      compliant: null,
      percent: null,
    };
    expect((await api.get<PoliciesAnswer>('policies')).body.fleet).toEqual(nothing);
    const at = new Date();
    await createGuardStore(api.world.storage).putFleetCount({
      devices: 2000,
      countedAt: at.toISOString(),
      isExact: true,
    });
    expect((await api.get<PoliciesAnswer>('policies')).body.fleet).toEqual({
      devices: 2000,
      devicesCountedAt: at.toISOString(),
      isExact: true,
      outOfLine: 0,
      compliant: 2000,
      percent: 100,
    });
  });

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
