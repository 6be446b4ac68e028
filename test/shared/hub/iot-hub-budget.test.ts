import { describe, expect, it } from 'vitest';
import { FaultyHub, instantClock } from './faulty-hub.ts';

const faulty = new FaultyHub();

describe('the budget of the hub', () => {
  it('refuses a call that would wait too long, with the time until there is room', async () => {
    const poor = faulty.connect({ budget: { tier: 'S1', units: 1, share: 0.01 }, longestWait: 1000 });
    for (let call = 0; call < 12; call++) await poor.countDevices();
    const answer = await poor.countDevices();
    expect(faulty.callCount).toBe(12);
    expect(answer).toMatchObject({
      ok: false,
      problem: { type: 'throttled', message: expect.stringContaining('not sent'), retryAfter: expect.any(Number) },
    });
    const retryAfter = !answer.ok && answer.problem.type === 'throttled' ? (answer.problem.retryAfter ?? 0) : 0;
    // The budget of the test is a hundredth of 100 calls a minute, so the bucket gets one token a minute.
    expect(retryAfter).toBeGreaterThan(50_000);
    expect(retryAfter).toBeLessThanOrEqual(60_000);
  });

  it('also counts retries', async () => {
    const poor = faulty.connect({
      budget: { tier: 'S1', units: 1, share: 0.01 },
      longestWait: 0,
      retries: 20,
      breakerFailures: 99,
    });
    faulty.faults = Array(20).fill('fail');
    expect(await poor.countDevices()).toMatchObject({
      ok: false,
      problem: { message: expect.stringContaining('not sent') },
    });
    expect(faulty.callCount).toBe(12);
  });

  it('limits the wait of a call over all its attempts', async () => {
    const { clock } = instantClock();
    const hurried = faulty.connect({
      clock,
      random: () => 0,
      firstDelay: 500,
      longestDelay: 10_000,
      longestWait: 5000,
    });
    faulty.faults = Array(3).fill('throttle for 3 s');
    // The first retry waits 2750 ms for the budget. With the wait of the second retry, the total would exceed `longestWait`, 5000 ms.
    expect(await hurried.countDevices()).toMatchObject({
      ok: false,
      problem: { message: expect.stringContaining('not sent') },
    });
    expect(faulty.callCount).toBe(2);
  });

  it('adapts to a bulk call of which the hub throttled some entries', async () => {
    const poor = faulty.connect({ budget: { tier: 'S1', units: 1, share: 1 } });
    faulty.faults = ['throttle entries'];
    const modules = ['x', 'y'].map((deviceId) => ({ deviceId, moduleId: 'm', desired: {}, tags: {} }));
    expect(await poor.createModules(modules)).toMatchObject([
      { ok: false, problem: { type: 'throttled' } },
      { ok: true },
    ]);
    // An entry of a bulk call is an identity operation.
    for (const operation of ['bulk', 'identity'] as const) expect(poor.waitFor(operation)).toBeGreaterThan(0);
    expect(poor.waitFor('query')).toBe(0);
  });

  it('cannot have invalid options', () => {
    expect(() => faulty.connect({ budget: { share: 2 } })).toThrow('2');
  });

  it('delays all calls of a class for Retry-After', async () => {
    const { clock, slept } = instantClock();
    const patient = faulty.connect({ clock, random: () => 0, firstDelay: 500, longestDelay: 10_000 });
    faulty.faults = ['throttle for 3 s'];
    const started = clock.now().getTime();
    expect(await patient.countDevices()).toMatchObject({ ok: true });
    expect(faulty.callCount).toBe(2);
    // The delay of 250 ms before the retry is a part of the 3000 ms of `Retry-After`.
    expect(clock.now().getTime() - started).toBe(3000);
    expect(slept).toEqual([250, 2750]);
  });

  it('refuses a call at once when Retry-After exceeds its wait', async () => {
    const { clock, slept } = instantClock();
    const hurried = faulty.connect({
      clock,
      random: () => 0,
      firstDelay: 500,
      longestDelay: 10_000,
      longestWait: 2000,
    });
    faulty.faults = ['throttle for 3 s'];
    expect(await hurried.countDevices()).toMatchObject({ ok: false, problem: { type: 'throttled', retryAfter: 2750 } });
    expect(slept).toEqual([250]);
    expect(hurried.waitFor('identity')).toBe(2750);
    expect(hurried.waitFor('bulk')).toBe(2750);
    expect(hurried.waitFor('query')).toBe(0);
  });
});
