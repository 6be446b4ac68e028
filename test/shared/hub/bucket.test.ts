import { beforeEach, describe, expect, it } from 'vitest';
import { Bucket, type Permit, type Refusal } from '../../../shared/hub/bucket.ts';
import type { Lane } from '../../../shared/hub/index.ts';
import { fc } from '../../support/arbitraries.ts';
import { VirtualClock } from './virtual-clock.ts';

/** What is there at once: ten for the sweep, and two more for events. */
const burst = 12;

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** One call a second, with no jitter unless asked for. */
const newBucket = (perSecond = 1, random = 0) => new Bucket({ perSecond, clock, random: () => random });

/** Callers at a bucket, and who of them has gone when. */
function callersAt(bucket: Bucket) {
  const went: { readonly name: string; readonly at: number }[] = [];
  const sentAway: { readonly name: string; readonly at: number; readonly retryAfter: number }[] = [];
  const permits: Permit[] = [];
  const ask = (lane: Lane, name = '', longestWait = Number.POSITIVE_INFINITY) =>
    void bucket.acquire(lane, longestWait).then((outcome: Permit | Refusal) => {
      if (outcome.granted) {
        permits.push(outcome);
        went.push({ name, at: clock.time });
      } else sentAway.push({ name, at: clock.time, retryAfter: outcome.retryAfter });
    });
  return {
    went,
    sentAway,
    permits,
    ask,
    names: () => went.map(({ name }) => name),
    /** Takes all that is there at once. */
    async empty() {
      for (let taken = 0; bucket.waitFor('events') === 0; taken++) {
        if (taken > 10_000) throw new Error('There is no end of it.');
        await bucket.acquire('events', 0);
      }
    },
  };
}

describe('a bucket', () => {
  it('lets a burst go at once, and then one at a time as the rate has it', async () => {
    const { ask, went } = callersAt(newBucket());
    for (let n = 0; n < burst + 3; n++) ask('events');
    await clock.pass(0);
    expect(went.length).toBe(burst);
    await clock.pass(3000);
    expect(went.slice(burst).map(({ at }) => at)).toEqual([1000, 2000, 3000]);
  });

  it('holds a second of a rate that is high', async () => {
    const { ask, went } = callersAt(newBucket(100));
    for (let n = 0; n < 200; n++) ask('events');
    await clock.pass(0);
    expect(went.length).toBe(102);
  });

  it('has a whole burst again after a rest, and never more', async () => {
    const bucket = newBucket();
    const { ask, went, empty } = callersAt(bucket);
    await empty();
    await clock.pass(3_600_000);
    for (let n = 0; n < burst + 1; n++) ask('events');
    await clock.pass(0);
    expect(went.length).toBe(burst);
  });

  it('lets those who wait go in the order in which they came', async () => {
    const { ask, names, empty } = callersAt(newBucket());
    await empty();
    for (const name of ['a', 'b', 'c']) ask('events', name);
    await clock.pass(1500);
    ask('events', 'd');
    await clock.pass(10_000);
    expect(names()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('sleeps once for each who waits, not in small steps, and not while nobody waits', async () => {
    const { ask, went, empty } = callersAt(newBucket());
    await empty();
    for (let n = 0; n < 10; n++) ask('events');
    await clock.pass(100_000);
    expect(went.length).toBe(10);
    expect(clock.sleeps).toBeLessThanOrEqual(11);
  });

  it('goes on where the clock is set back', async () => {
    const { ask, went, empty } = callersAt(newBucket());
    await clock.pass(3_600_000);
    await empty();
    clock.set(0);
    ask('events');
    await clock.pass(2500);
    expect(went.length).toBe(1);
  });

  it('never lets more go than burst and rate allow, whoever asks when, and forgets nobody', async () => {
    const asks = fc.array(
      fc.record({
        after: fc.oneof(fc.constant(0), fc.nat(3000)),
        lane: fc.constantFrom<Lane>('events', 'sweep'),
        wait: fc.constantFrom(0, 1000, 20_000, Number.POSITIVE_INFINITY),
        refused: fc.option(fc.nat(5000), { freq: 8, nil: undefined }),
      }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(asks, fc.double({ min: 0.05, max: 20, noNaN: true }), async (all, perSecond) => {
        clock = new VirtualClock();
        const bucket = new Bucket({ perSecond, clock, random: () => 0.5 });
        const went: number[] = [];
        const waits: { readonly longest: number; readonly was: number }[] = [];
        for (const { after, lane, wait, refused } of all) {
          await clock.pass(after);
          const asked = clock.time;
          void bucket.acquire(lane, wait).then((outcome) => {
            waits.push({ longest: wait, was: clock.time - asked });
            if (!outcome.granted) return;
            went.push(clock.time);
            if (refused !== undefined) outcome.refused(refused);
          });
        }
        await clock.pass(24 * 3_600_000);
        expect(waits.length).toBe(all.length);
        for (const { longest, was } of waits) expect(was).toBeLessThanOrEqual(longest + 1);
        for (const [first, start] of went.entries()) {
          for (const [last, end] of went.entries()) {
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

describe('two lanes', () => {
  it('leave the sweep enough at once for all that it asks of a compliant hub, and events still find some', async () => {
    const { ask, names } = callersAt(newBucket());
    for (let n = 0; n < 20; n++) ask('sweep', 'sweep');
    await clock.pass(0);
    expect(names()).toEqual(Array(10).fill('sweep'));
    ask('events', 'event');
    ask('events', 'event');
    await clock.pass(0);
    expect(names().slice(10)).toEqual(['event', 'event']);
  });

  it('are both served where both wait: events first, and each tenth call is of the sweep', async () => {
    const { ask, names, empty } = callersAt(newBucket());
    await empty();
    for (let n = 0; n < 5; n++) ask('sweep', 'sweep');
    for (let n = 0; n < 40; n++) ask('events', 'event');
    await clock.pass(40_000);
    const served = names();
    expect(served.filter((name) => name === 'sweep').length).toBe(4);
    expect(served.flatMap((name, n) => (name === 'sweep' ? [n] : []))).toEqual([9, 19, 29, 39]);
  });

  it('are both served where events come just as fast as the rate allows, and never wait', async () => {
    const { ask, names, empty } = callersAt(newBucket());
    await empty();
    for (let n = 0; n < 5; n++) ask('sweep', 'sweep');
    for (let n = 0; n < 50; n++) {
      ask('events', 'event');
      await clock.pass(1000);
    }
    expect(names().filter((name) => name === 'sweep').length).toBeGreaterThanOrEqual(4);
  });

  it('leave all to the sweep that events do not need', async () => {
    const { ask, names, empty } = callersAt(newBucket());
    await empty();
    for (let n = 0; n < 100; n++) ask('sweep', 'sweep');
    await clock.pass(60_000);
    // The first tokens fill what is kept for events.
    expect(names().length).toBe(58);
  });
});

describe('a refusal', () => {
  it('halves the rate, once for all calls that were under way', async () => {
    const bucket = newBucket();
    const { ask, permits } = callersAt(bucket);
    for (let n = 0; n < 5; n++) ask('events');
    await clock.pass(100);
    for (const permit of permits) permit.refused();
    expect(bucket.perSecond).toBe(0.5);
  });

  it('of a call that was made after the rate was halved halves it again', async () => {
    const bucket = newBucket();
    const { ask, permits } = callersAt(bucket);
    for (let n = 0; n < 2; n++) ask('events');
    await clock.pass(100);
    for (const permit of permits.splice(0)) permit.refused(1000);
    ask('events');
    await clock.pass(1000);
    permits[0]?.refused(1000);
    expect(bucket.perSecond).toBe(0.25);
  });

  it('closes the bucket for as long as the hub asks, and a little jitter, for all who wait and all who come', async () => {
    const bucket = newBucket(1, 1);
    const { ask, went, permits } = callersAt(bucket);
    ask('events');
    await clock.pass(0);
    permits[0]?.refused(10_000);
    ask('events');
    ask('sweep');
    await clock.pass(10_999);
    expect(went.length).toBe(1);
    await clock.pass(1);
    expect(went.length).toBe(2);
    await clock.pass(10_000);
    expect(went.length).toBe(3);
  });

  it('that asks for more time while it is closed already is heeded too', async () => {
    const { ask, went, permits } = callersAt(newBucket());
    for (let n = 0; n < 2; n++) ask('events');
    await clock.pass(0);
    permits[0]?.refused(1000);
    permits[1]?.refused(20_000);
    ask('events');
    await clock.pass(19_999);
    expect(went.length).toBe(2);
    await clock.pass(1);
    expect(went.length).toBe(3);
  });

  it('lets the rate grow only from when calls are made again', async () => {
    const bucket = newBucket();
    const { ask, permits } = callersAt(bucket);
    for (let n = 0; n < 2; n++) ask('events');
    await clock.pass(0);
    permits[0]?.refused(1000);
    permits[1]?.refused(20_000);
    await clock.pass(20_000);
    expect(bucket.perSecond).toBe(0.5);
    await clock.pass(1000);
    expect(bucket.perSecond).toBeGreaterThan(0.5);
  });

  it('leaves no burst behind it', async () => {
    const { ask, went, permits } = callersAt(newBucket());
    ask('events');
    await clock.pass(0);
    permits[0]?.refused(10_000);
    for (let n = 0; n < 10; n++) ask('events');
    await clock.pass(10_000);
    expect(went.length).toBe(2);
  });

  it('that asks for years is taken for a mistake', async () => {
    const { ask, went, permits } = callersAt(newBucket());
    ask('events');
    await clock.pass(0);
    permits[0]?.refused(1e12);
    ask('events');
    await clock.pass(3_600_000);
    expect(went.length).toBe(2);
  });
});

describe('who cannot wait', () => {
  it('is told at once when there is room again', async () => {
    const bucket = newBucket();
    const { ask, went, sentAway, empty } = callersAt(bucket);
    await empty();
    ask('events', 'a', 3000);
    ask('events', 'b', 3000);
    ask('events', 'c', 3000);
    ask('events', 'd', 3000);
    await clock.pass(0);
    expect(sentAway).toEqual([{ name: 'd', at: 0, retryAfter: 4000 }]);
    await clock.pass(3000);
    expect(went.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('is told as soon as the hub asks for more time than there is', async () => {
    const { ask, went, sentAway, permits, empty } = callersAt(newBucket());
    ask('events');
    await clock.pass(0);
    await empty();
    ask('events', 'impatient', 5000);
    ask('events', 'patient');
    permits[0]?.refused(30_000);
    await clock.pass(0);
    expect(sentAway).toEqual([{ name: 'impatient', at: 0, retryAfter: 30_000 }]);
    await clock.pass(30_000);
    expect(went.at(-1)?.name).toBe('patient');
  });

  it('is told when the time is over, where others went first', async () => {
    const { ask, sentAway, empty } = callersAt(newBucket());
    await empty();
    ask('sweep', 'sweep', 5000);
    for (let n = 0; n < 20; n++) ask('events');
    await clock.pass(5001);
    expect(sentAway).toEqual([{ name: 'sweep', at: 5001, retryAfter: expect.any(Number) }]);
  });

  it('can ask before: how long is what it will be', async () => {
    const bucket = newBucket();
    const { ask, went, empty } = callersAt(bucket);
    expect([bucket.waitFor('events'), bucket.waitFor('sweep')]).toEqual([0, 0]);
    await empty();
    expect([bucket.waitFor('events'), bucket.waitFor('sweep')]).toEqual([1000, 3000]);
    ask('events');
    ask('events');
    await clock.pass(500);
    expect(bucket.waitFor('events')).toBe(2500);
    await clock.pass(10_000);
    expect(went.length).toBe(2);
  });
});
