import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkHealth } from '../../../functions/api/check-health.ts';
import { createAppStatus } from '../../../functions/app-status.ts';
import type { Settings } from '../../../functions/settings.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { createStatusStore } from '../../../shared/status/index.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import { startWorld, type World } from '../../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
afterEach(() => void vi.useRealTimers());

function appWith({
  hub = world.hubClient,
  storage = world.storage,
}: Partial<{ hub: Hub; storage: typeof world.storage }>): Parameters<typeof checkHealth>[0] {
  const now = () => new Date();
  const settings = {
    storage,
    mode: 'enforce',
    sweep: { schedule: '0 */15 * * * *', minutes: 4, walkHours: 24, fullLookDays: 7 },
    rollupSchedule: '15 */5 * * * *',
    budget: { tier: 'S1', units: 1, share: 0.5, messageShare: 0.1 },
  } as Settings;
  const status = createAppStatus({
    settings,
    policies: toPolicySet([], { mode: 'enforce' }),
    statusStore: createStatusStore(storage, now),
    guardStore: createGuardStore(storage),
    sweepStore: createSweepStore(storage, now),
    now,
    // The process of the tests can be older than the app may be without a sweep.
    startedAt: now().toISOString(),
  });
  return { hub, settings, status, now };
}

describe('the health check', () => {
  it('is healthy when the hub and storage answer', async () => {
    expect(await checkHealth(appWith({}))).toMatchObject({ status: 'healthy', checks: { hub: { ok: true } } });
  });

  it('names automatic configurations that compete with policies, and stays healthy', async () => {
    const store = createGuardStore(world.storage);
    expect((await checkHealth(appWith({}))).checks?.configurations).toEqual({
      ok: true,
      detail: 'none competes with a policy',
    });
    const setting = {
      configuration: 'winter-tuning',
      targetCondition: '*',
      priority: 1,
      about: 'module',
      policy: 'agents',
      module: 'm',
      path: 'Process_Disabled',
      theirs: true,
      wanted: false,
      overridden: false,
    } as const;
    await store.putCompeting([setting]);
    const { status, checks } = await checkHealth(appWith({}));
    await store.putCompeting([]);
    expect(status).toBe('healthy');
    expect(checks?.configurations).toEqual({ ok: true, detail: expect.stringContaining('winter-tuning') });
  });

  it('is unhealthy and shows the reason when the hub refuses', async () => {
    const problem = { type: 'refused', status: 401, message: '401 Unauthorized' } as const;
    const hub: Hub = { ...world.hubClient, countDevices: async () => ({ ok: false, problem }) };
    const { status, checks } = await checkHealth(appWith({ hub }));
    expect(status).toBe('unhealthy');
    expect(checks).toMatchObject({ hub: { ok: false, detail: 'localhost: 401 Unauthorized' }, storage: { ok: true } });
  });

  it.each([
    ['the hub throttles calls', '429 ThrottlingException'],
    ['the budget of the app is in use', 'not sent: the budget for identity calls has room again in 40 s'],
  ])('is healthy when %s, because a busy hub can be reached', async (_, message) => {
    const hub: Hub = {
      ...world.hubClient,
      countDevices: async () => ({ ok: false, problem: { type: 'throttled', message } }),
    };
    expect(await checkHealth(appWith({ hub }))).toMatchObject({
      status: 'healthy',
      checks: { hub: { ok: true, detail: `localhost: busy: ${message}` } },
    });
  });

  it('is unhealthy while no call is sent because the hub has not answered', async () => {
    const message = 'not sent: the hub has not answered since 2026-11-01T10:00:00.000Z: 503';
    const problem = { type: 'throttled', message, waits: true, isSilent: true } as const;
    const hub: Hub = { ...world.hubClient, countDevices: async () => ({ ok: false, problem }) };
    expect(await checkHealth(appWith({ hub }))).toMatchObject({
      status: 'unhealthy',
      checks: { hub: { ok: false, detail: `localhost: ${message}` } },
    });
  });

  it('is unhealthy within half a minute when the hub does not answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const hub: Hub = { ...world.hubClient, countDevices: () => new Promise(() => {}) };
    const health = checkHealth(appWith({ hub }));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await health).toMatchObject({
      status: 'unhealthy',
      checks: { hub: { detail: 'localhost: no answer in 30 s' } },
    });
  });

  it('is unhealthy within half a minute when storage does not answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    const connectionString = world.storage.connectionString.replaceAll(/127\.0\.0\.1:\d+/g, `127.0.0.1:${port}`);
    // The local hub needs real timers, so a hub that answers at once takes its place.
    const hub: Hub = { ...world.hubClient, countDevices: async () => ({ ok: true, value: 1 }) };
    const health = checkHealth(appWith({ hub, storage: { connectionString } }));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await health).toMatchObject({ status: 'unhealthy', checks: { hub: { ok: true }, storage: { ok: false } } });
    silent.close();
  });
});
