import { describe, expect, it } from 'vitest';
import { dailyMessages, type HubShare, untilNextDay } from '../../../shared/hub/index.ts';
import { FaultyHub } from './faulty-hub.ts';

describe("the app's share of the message quota", () => {
  it('is the share of the quota of all units', () => {
    expect(dailyMessages({ tier: 'S1', units: 1, messageShare: 0.1 })).toBe(40_000);
    expect(dailyMessages({ tier: 'S1', units: 3, messageShare: 0.07 })).toBe(84_000);
    expect(dailyMessages({ tier: 'F1', units: 1, messageShare: 0.1 })).toBe(800);
    expect(dailyMessages({ tier: 'S3', units: 2, messageShare: 0.1 })).toBe(60_000_000);
    expect(dailyMessages({ tier: 'F1', units: 1, messageShare: 0.00001 })).toBe(1);
  });

  it('starts again at midnight UTC', () => {
    expect(untilNextDay(new Date('2026-11-22T23:59:59.000Z'))).toBe(1000);
    expect(untilNextDay(new Date('2026-11-22T00:00:00.000Z'))).toBe(86_400_000);
  });
});

describe('a hub client', () => {
  const faulty = new FaultyHub();

  it('sends no read, update or query without room, and puts the work off', async () => {
    const putOff = { quota: 'share', reason: 'put off: TWINKEEPER_MESSAGE_SHARE', retryAfter: 5000 } as const;
    const share: HubShare = {
      enter: async (_, takesMessages) => ({ instances: 1, joins: 0, ...(takesMessages ? { putOff } : {}) }),
      putOff: () => putOff,
    };
    const hub = faulty.connect({ share });
    for (const answer of [
      await hub.readTwin('d', ''),
      await hub.patchDesired('d', '', '*', { a: 1 }),
      await hub.queryPage('SELECT * FROM devices'),
    ]) {
      expect(answer).toMatchObject({
        ok: false,
        problem: {
          type: 'throttled',
          waits: true,
          quota: 'share',
          retryAfter: 5000,
          message: expect.stringContaining('TWINKEEPER_MESSAGE_SHARE'),
        },
      });
    }
    expect(await hub.countDevices()).toMatchObject({ ok: true });
    expect(hub.waitFor('twinRead')).toBe(5000);
    expect(hub.waitFor('bulk')).toBe(0);
  });

  it('waits when the quota of the hub is used up, and does not try again at once', async () => {
    const hub = faulty.connect();
    await faulty.local.operator.create({ deviceId: 'quota' });
    const setQuota = (method: string, body?: object) =>
      fetch(`${faulty.local.controlUrl}/quota`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    for (const status of [403, 429]) {
      await setQuota('PUT', { limit: 0, status });
      faulty.callCount = 0;
      const used = faulty.connect();
      expect(await used.readTwin('quota', '')).toMatchObject({
        ok: false,
        problem: { type: 'throttled', waits: true, quota: 'hub', retryAfter: expect.any(Number) },
      });
      expect(faulty.callCount).toBe(1);
      expect(used.waitFor('twinRead')).toBe(0);
    }
    await setQuota('DELETE');
    expect(await hub.readTwin('quota', '')).toMatchObject({ ok: true });
  });
});
