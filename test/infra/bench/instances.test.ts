import { describe, expect, it } from 'vitest';
import { averageRate, comeAndGo, largestSettledRate } from '../../../infra/bench/come-and-go.ts';
import { InstanceFleet } from '../../../infra/bench/instance-fleet.ts';
import { VirtualClock } from '../../shared/hub/virtual-clock.ts';

describe('the rate of a fleet', () => {
  it('is measured from a minute after each change until the next change', () => {
    const calls = Array.from({ length: 480 }, (_, second) => (second < 60 ? 100 : second < 240 ? 2 : 3));
    expect(largestSettledRate({ calls, changes: [0, 240] })).toBe(3);
    expect(largestSettledRate({ calls, changes: [0] })).toBe(2);
    expect(averageRate({ calls, changes: [0, 240] })).toBe((60 * 100 + 180 * 2 + 240 * 3) / 480);
  });
});

describe('instances of the app that come and go', () => {
  it('are together within 1.1 times the share of the app a minute after each change, and use it', async () => {
    const clock = new VirtualClock();
    let count = 0;
    const fleet = new InstanceFleet({
      clock,
      budget: { tier: 'S1', units: 2, share: 0.6, messageShare: 1 },
      operation: 'identity',
      storageLatency: 10,
      onCall: () => {
        count++;
      },
    });
    const run = comeAndGo(
      clock,
      [1, 8, 3, 8, 1, 2],
      (size) => fleet.resize(size),
      () => count,
    );
    await clock.pass(6 * 240_000 + 1000);
    const result = await run;
    expect(largestSettledRate(result)).toBeLessThanOrEqual(2 * 1.1);
    expect(averageRate(result)).toBeLessThanOrEqual(2 * 1.1);
    expect(averageRate(result)).toBeGreaterThanOrEqual(2 * 0.8);
    expect(fleet.size).toBe(0);
  });
});
