import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { LeapingClock } from '../../../infra/bench/leaping-clock.ts';

const minute = 60_000;

describe('the leaping clock', () => {
  it('skips a sleep when the process is idle', async () => {
    const clock = new LeapingClock();
    const from = performance.now();
    const began = clock.now().getTime();
    await clock.sleep(100 * minute);
    expect(clock.now().getTime() - began).toBeGreaterThanOrEqual(100 * minute);
    expect(performance.now() - from).toBeLessThan(minute / 4);
  });

  it('ends concurrent sleeps in order, without adding them up', async () => {
    const clock = new LeapingClock();
    const began = clock.now().getTime();
    const woken: number[] = [];
    await Promise.all([3, 1, 2].map((minutes) => clock.sleep(minutes * minute).then(() => woken.push(minutes))));
    expect(woken).toEqual([1, 2, 3]);
    expect(clock.now().getTime() - began).toBeLessThan(4 * minute);
  });

  it('does not leap during an HTTP request to another process', async () => {
    const requested = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    const server = createServer(async (_, response) => {
      requested.resolve();
      await answered.promise;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const clock = new LeapingClock();
    let isAwake = false;
    const slept = clock.sleep(minute).then(() => {
      isAwake = true;
    });
    const answer = new Promise<void>((resolve) => {
      get({ host: '127.0.0.1', port }, (response) => response.resume().once('end', resolve));
    });
    await requested.promise;
    // This sleep takes 50 ms of real time: the open request counts as work, so the clock does not jump.
    const from = performance.now();
    await clock.sleep(50);
    expect(performance.now() - from).toBeGreaterThan(45);
    expect(isAwake).toBe(false);
    answered.resolve();
    await answer;
    await slept;
    server.close();
  });
});
