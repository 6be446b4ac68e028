import { describe, expect, it } from 'vitest';
import { scaledClock } from '../../../infra/local/scaled-clock.ts';
import { SkippingClock } from '../../../infra/local/skipping-clock.ts';
import { systemClock } from '../../../shared/clock.ts';
import { settled, VirtualClock } from '../../shared/hub/virtual-clock.ts';

describe('a scaled clock', () => {
  it('passes a minute in a second, in its time and in its sleeps', async () => {
    const base = new VirtualClock();
    base.set(1_000_000);
    const clock = scaledClock(60, base);
    expect(clock.now()).toEqual(base.now());
    let awake = false;
    const slept = clock.sleep(60_000).then(() => {
      awake = true;
    });
    await base.pass(999);
    expect(awake).toBe(false);
    await base.pass(1);
    await slept;
    expect(clock.now().getTime()).toBe(1_000_000 + 60_000);
  });

  it('runs like its base with factor 1, and slower with a smaller factor', async () => {
    const base = new VirtualClock();
    const [same, slower] = [scaledClock(1, base), scaledClock(0.5, base)];
    await base.pass(1000);
    expect([same.now().getTime(), slower.now().getTime()]).toEqual([1000, 500]);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses the factor %d', (factor) => {
    expect(() => scaledClock(factor)).toThrow(`not ${factor}`);
  });
});

describe('a skipping clock', () => {
  it('moves forward by each sleep without waiting', async () => {
    const base = new VirtualClock();
    const clock = new SkippingClock(base);
    await clock.sleep(3_600_000);
    await base.pass(5);
    await clock.sleep(0.25);
    await clock.sleep(0.75);
    expect(clock.now().getTime()).toBe(3_600_006);
    expect(clock.skipped).toBe(3_600_001);
  });

  it('lets other work run during a sleep', async () => {
    const clock = new SkippingClock(systemClock);
    let turn = false;
    void settled().then(() => {
      turn = true;
    });
    for (let rounds = 0; !turn; rounds++) {
      expect(rounds).toBeLessThan(100);
      await clock.sleep(1000);
    }
  });
});
