import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StillClock } from '../../support/still-clock.ts';
import { FaultyHub } from './faulty-hub.ts';

const faulty = new FaultyHub();
const clock = new StillClock();
const open = { retries: 0, breakerFailures: 3, breakerOpenFor: 10_000, random: () => 0.5, clock };
const pass = (milliseconds: number) => clock.pass(milliseconds);

describe('while the hub does not answer', () => {
  it('no call is sent, and work is put off at once', async () => {
    const hub = faulty.connect(open);
    faulty.faults = Array(3).fill('fail');
    for (let call = 0; call < 3; call++)
      expect(await hub.countDevices()).toMatchObject({ problem: { type: 'transient' } });
    for (let call = 0; call < 10; call++) {
      expect(await hub.readTwin('d', '')).toMatchObject({
        problem: { type: 'throttled', waits: true, message: expect.stringMatching(/has not answered since .+: 503/) },
      });
    }
    expect(faulty.callCount).toBe(3);
  });

  it('one probe at a time is sent, ever more rarely, until the hub answers', async () => {
    const hub = faulty.connect(open);
    faulty.faults = Array(5).fill('fail');
    for (let call = 0; call < 3; call++) await hub.countDevices();
    for (const wait of [10_000, 20_000]) {
      pass(wait - 1);
      expect(await hub.countDevices()).toMatchObject({ problem: { type: 'throttled' } });
      pass(1);
      const probes = await Promise.all([hub.countDevices(), hub.countDevices(), hub.countDevices()]);
      expect(probes.filter((answer) => !answer.ok && answer.problem.type === 'transient')).toHaveLength(1);
    }
    expect(faulty.callCount).toBe(5);
    pass(40_000);
    expect(await hub.countDevices()).toMatchObject({ ok: true });
    expect(await hub.countDevices()).toMatchObject({ ok: true });
  });

  it('work waits longer, the longer the hub has not answered, but never more than five minutes', async () => {
    const hub = faulty.connect(open);
    faulty.faults = Array(100).fill('fail');
    for (let call = 0; call < 3; call++) await hub.countDevices();
    const waits: number[] = [];
    for (let minute = 0; minute < 60; minute++) {
      pass(60_000);
      await hub.countDevices();
      const answer = await hub.countDevices();
      if (!answer.ok && answer.problem.type === 'throttled') waits.push(answer.problem.retryAfter ?? 0);
    }
    expect(waits.at(0)).toBeLessThan(60_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(300_000);
    expect(waits.at(-1)).toBeGreaterThan(180_000);
  });

  it('answers of the hub that refuse a call do not count', async () => {
    const hub = faulty.connect(open);
    for (let call = 0; call < 10; call++)
      expect(await hub.readTwin('nobody', '')).toMatchObject({ problem: { type: 'gone' } });
    expect(await hub.countDevices()).toMatchObject({ ok: true });
  });

  it('a refusal between two failures shows that the hub works', async () => {
    const hub = faulty.connect(open);
    for (let call = 0; call < 5; call++) {
      faulty.faults = ['fail'];
      expect(await hub.countDevices()).toMatchObject({ problem: { type: 'transient' } });
      expect(await hub.readTwin('nobody', '')).toMatchObject({ problem: { type: 'gone' } });
    }
  });
});

describe('a hub that accepts connections and never answers', () => {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => sockets.add(socket));
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const silent = { retries: 4, deadline: 150, idleTimeout: 60_000, breakerFailures: 99 };

  it('is given up within the time of a call in all its attempts', async () => {
    const hub = faulty.connect({ ...silent, total: 400 }, port);
    const started = Date.now();
    expect(await hub.countDevices()).toMatchObject({ ok: false, problem: { type: 'transient' } });
    expect(Date.now() - started).toBeGreaterThanOrEqual(400);
    expect(sockets.size).toBeLessThanOrEqual(4);
  });

  it('is not waited for when no time is left for another attempt', async () => {
    const slept: number[] = [];
    // This clock runs fast, because a timer can end a moment before its time.
    const now = () => new Date(Date.now() * 1.1);
    const clock = { now, sleep: async (milliseconds: number) => void slept.push(milliseconds) };
    const hub = faulty.connect({ ...silent, total: 150, clock }, port);
    expect(await hub.countDevices()).toMatchObject({ ok: false, problem: { type: 'transient' } });
    expect(slept).toEqual([]);
  });
});
