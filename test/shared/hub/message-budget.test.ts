import { beforeEach, describe, expect, it } from 'vitest';
import { MessageBudget } from '../../../shared/hub/message-budget.ts';
import { FaultyHub } from './faulty-hub.ts';
import { VirtualClock } from './virtual-clock.ts';

const hour = 3_600_000;
let clock: VirtualClock;
let others: number;
beforeEach(() => {
  clock = new VirtualClock();
  others = 0;
});

/** One S1 unit has 400,000 messages a day. A share of 0.0025 is 1,000. */
const newBudget = () => new MessageBudget({ tier: 'S1', units: 1, share: 0.0025, clock, ofOthers: () => others });

describe("the app's share of the message quota", () => {
  it('is the share of the quota of all units', () => {
    expect(newBudget().limit).toBe(1000);
    expect(new MessageBudget({ tier: 'F1', units: 1, share: 0.1, clock, ofOthers: () => 0 }).limit).toBe(800);
    expect(new MessageBudget({ tier: 'S3', units: 2, share: 0.1, clock, ofOthers: () => 0 }).limit).toBe(60_000_000);
  });

  it('makes sweeps give way first, and events last', () => {
    const budget = newBudget();
    budget.spend(799);
    expect([budget.waitFor('sweep'), budget.waitFor('events')]).toEqual([0, 0]);
    budget.spend(1);
    expect(budget.waitFor('sweep')).toBeGreaterThan(0);
    expect(budget.waitFor('events')).toBe(0);
    budget.spend(200);
    expect(budget.waitFor('events')).toBeGreaterThan(0);
  });

  it('counts the messages of all instances', () => {
    const budget = newBudget();
    budget.spend(300);
    others = 500;
    expect(budget.waitFor('sweep')).toBeGreaterThan(0);
    others = 700;
    expect(budget.waitFor('events')).toBeGreaterThan(0);
  });

  it('starts again at midnight UTC, and is looked at again after an hour', async () => {
    await clock.pass(20 * hour - (clock.time % (24 * hour)));
    const budget = newBudget();
    budget.spend(1000);
    expect(budget.waitFor('events')).toBe(hour);
    await clock.pass(3.5 * hour);
    expect(budget.waitFor('events')).toBe(hour / 2);
    await clock.pass(hour / 2);
    expect(budget.waitFor('events')).toBe(0);
  });

  it('lets nothing through for a quarter of an hour when the quota of the hub itself is used up', async () => {
    const budget = newBudget();
    expect(budget.refused()).toBe(hour / 4);
    expect(budget.waitFor('events')).toBe(hour / 4);
    await clock.pass(hour / 4);
    expect(budget.waitFor('events')).toBe(0);
  });
});

describe('a hub client', () => {
  const faulty = new FaultyHub();

  it('sends no read, update or query without room, and puts the work off', async () => {
    const hub = faulty.connect({
      budget: { tier: 'S1', units: 1, share: 1, messageShare: 0.0025 },
      others: () => ({ count: 0, messages: 1000 }),
    });
    for (const answer of [
      await hub.readTwin('d', ''),
      await hub.patchDesired('d', '', '*', { a: 1 }),
      await hub.queryPage('SELECT * FROM devices'),
    ]) {
      expect(answer).toMatchObject({
        ok: false,
        problem: { type: 'throttled', waits: true, message: expect.stringContaining('TWINKEEPER_MESSAGE_SHARE') },
      });
    }
    expect(await hub.countDevices()).toMatchObject({ ok: true });
    expect(hub.waitFor('twinRead')).toBeGreaterThan(0);
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
        problem: { type: 'throttled', waits: true, retryAfter: expect.any(Number) },
      });
      expect(faulty.callCount).toBe(1);
      expect(await used.readTwin('quota', '')).toMatchObject({ ok: false });
      expect(faulty.callCount).toBe(1);
    }
    await setQuota('DELETE');
    expect(await hub.readTwin('quota', '')).toMatchObject({ ok: true });
  });
});
