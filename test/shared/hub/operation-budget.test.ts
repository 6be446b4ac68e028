import { beforeEach, describe, expect, it } from 'vitest';
import type { Lane } from '../../../shared/hub/index.ts';
import { OperationBudget } from '../../../shared/hub/operation-budget.ts';
import { fc } from '../../support/arbitraries.ts';
import { callersAt } from './bucket-callers.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Number of tokens in a full bucket with a low rate: ten tokens for both lanes, and two tokens for events only. */
const burst = 12;

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** A token bucket. Default: one call a second, and no jitter. */
const newBucket = (perSecond = 1, random = 0) => new OperationBudget({ perSecond, clock, random: () => random });

describe('a bucket', () => {
  it('grants a burst at once, and then one permit at a time at its rate', async () => {
    const { acquire, granted } = callersAt(newBucket(), clock);
    for (let n = 0; n < burst + 3; n++) acquire('events');
    await clock.pass(0);
    expect(granted.length).toBe(burst);
    await clock.pass(3000);
    expect(granted.slice(burst).map(({ at }) => at)).toEqual([1000, 2000, 3000]);
  });

  it('holds the tokens of one second when the rate is high', async () => {
    const { acquire, granted } = callersAt(newBucket(100), clock);
    for (let n = 0; n < 200; n++) acquire('events');
    await clock.pass(0);
    expect(granted.length).toBe(102);
  });

  it('has a full burst after a rest, and no more', async () => {
    const bucket = newBucket();
    const { acquire, granted, empty } = callersAt(bucket, clock);
    await empty();
    await clock.pass(3_600_000);
    for (let n = 0; n < burst + 1; n++) acquire('events');
    await clock.pass(0);
    expect(granted.length).toBe(burst);
  });

  it('grants permits in the order of arrival', async () => {
    const { acquire, names, empty } = callersAt(newBucket(), clock);
    await empty();
    for (const name of ['a', 'b', 'c']) acquire('events', name);
    await clock.pass(1500);
    acquire('events', 'd');
    await clock.pass(10_000);
    expect(names()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('sleeps once for each waiting call, and not while nobody waits', async () => {
    const { acquire, granted, empty } = callersAt(newBucket(), clock);
    await empty();
    for (let n = 0; n < 10; n++) acquire('events');
    await clock.pass(100_000);
    expect(granted.length).toBe(10);
    expect(clock.sleeps).toBeLessThanOrEqual(11);
  });

  it('still grants permits after the clock is set back', async () => {
    const { acquire, granted, empty } = callersAt(newBucket(), clock);
    await clock.pass(3_600_000);
    await empty();
    clock.set(0);
    acquire('events');
    await clock.pass(2500);
    expect(granted.length).toBe(1);
  });

  it('never grants more than burst and rate allow, and answers every call', async () => {
    const calls = fc.array(
      fc.record({
        after: fc.oneof(fc.constant(0), fc.nat(3000)),
        lane: fc.constantFrom<Lane>('events', 'sweep'),
        wait: fc.constantFrom(0, 1000, 20_000, Number.POSITIVE_INFINITY),
        refused: fc.option(fc.nat(5000), { freq: 8, nil: undefined }),
      }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(calls, fc.double({ min: 0.05, max: 20, noNaN: true }), async (all, perSecond) => {
        clock = new VirtualClock();
        const bucket = new OperationBudget({ perSecond, clock, random: () => 0.5 });
        const grantTimes: number[] = [];
        const waits: { readonly longest: number; readonly was: number }[] = [];
        for (const { after, lane, wait, refused } of all) {
          await clock.pass(after);
          const calledAt = clock.time;
          void bucket.acquire(lane, wait).then((outcome) => {
            waits.push({ longest: wait, was: clock.time - calledAt });
            if (!outcome.granted) return;
            grantTimes.push(clock.time);
            if (refused !== undefined) outcome.refused(refused);
          });
        }
        await clock.pass(24 * 3_600_000);
        expect(waits.length).toBe(all.length);
        for (const { longest, was } of waits) expect(was).toBeLessThanOrEqual(longest + 1);
        for (const [first, start] of grantTimes.entries()) {
          for (const [last, end] of grantTimes.entries()) {
            if (last < first) continue;
            const allowed = Math.max(10, perSecond) + 2 + ((end - start) * perSecond) / 1000;
            expect(last - first + 1).toBeLessThanOrEqual(allowed + 1e-6);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('the two lanes of a bucket', () => {
  it('give the sweep ten permits at once, and keep two for events', async () => {
    const { acquire, names } = callersAt(newBucket(), clock);
    for (let n = 0; n < 20; n++) acquire('sweep', 'sweep');
    await clock.pass(0);
    expect(names()).toEqual(Array(10).fill('sweep'));
    acquire('events', 'event');
    acquire('events', 'event');
    await clock.pass(0);
    expect(names().slice(10)).toEqual(['event', 'event']);
  });

  it('give every tenth permit to the sweep while both wait', async () => {
    const { acquire, names, empty } = callersAt(newBucket(), clock);
    await empty();
    for (let n = 0; n < 5; n++) acquire('sweep', 'sweep');
    for (let n = 0; n < 40; n++) acquire('events', 'event');
    await clock.pass(40_000);
    const served = names();
    expect(served.filter((name) => name === 'sweep').length).toBe(4);
    expect(served.flatMap((name, n) => (name === 'sweep' ? [n] : []))).toEqual([9, 19, 29, 39]);
  });

  it('give permits to the sweep when events use the whole rate and never wait', async () => {
    const { acquire, names, empty } = callersAt(newBucket(), clock);
    await empty();
    for (let n = 0; n < 5; n++) acquire('sweep', 'sweep');
    for (let n = 0; n < 50; n++) {
      acquire('events', 'event');
      await clock.pass(1000);
    }
    expect(names().filter((name) => name === 'sweep').length).toBeGreaterThanOrEqual(4);
  });

  it('give the sweep all permits that events do not need', async () => {
    const { acquire, names, empty } = callersAt(newBucket(), clock);
    await empty();
    for (let n = 0; n < 100; n++) acquire('sweep', 'sweep');
    await clock.pass(60_000);
    // 60 tokens arrive in 60 seconds. Two of them stay reserved for events.
    expect(names().length).toBe(58);
  });
});
