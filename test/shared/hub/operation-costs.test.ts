import { describe, expect, it } from 'vitest';
import type { Lane } from '../../../shared/hub/index.ts';
import { OperationBudget } from '../../../shared/hub/operation-budget.ts';
import type { Permit } from '../../../shared/hub/permit.ts';
import { fc } from '../../support/arbitraries.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Number of tokens in a full bucket with a low rate. */
const burst = 12;

function newBucket(perSecond = 1) {
  const clock = new VirtualClock();
  const bucket = new OperationBudget({ perSecond, clock, random: () => 0 });
  const granted: { readonly at: number; readonly cost: number; readonly lane: Lane }[] = [];
  const permits: Permit[] = [];
  const acquire = (lane: Lane, cost: number, longestWait = Number.POSITIVE_INFINITY) =>
    bucket.acquire(lane, longestWait, cost).then((outcome) => {
      if (!outcome.granted) return;
      permits.push(outcome);
      granted.push({ at: clock.time, cost, lane });
    });
  return { clock, bucket, granted, permits, acquire };
}

describe('a call with several operations', () => {
  it('takes as many tokens', async () => {
    const { clock, granted, acquire } = newBucket();
    for (let n = 0; n < 4; n++) void acquire('events', 6);
    await clock.pass(20_000);
    expect(granted.map(({ at }) => at)).toEqual([0, 0, 6000, 12_000]);
  });

  it('waits as long as estimated', async () => {
    const { clock, bucket, granted, acquire } = newBucket();
    void acquire('events', 10);
    void acquire('events', 10);
    const wait = bucket.waitFor('events', 5);
    expect(wait).toBe(13_000);
    void acquire('events', 5);
    await clock.pass(wait);
    expect(granted).toHaveLength(3);
  });

  it('is refused when the wait for all its tokens is too long', async () => {
    const { clock, bucket, acquire } = newBucket();
    await acquire('events', 10);
    expect(await bucket.acquire('events', 7000, 10)).toEqual({ granted: false, retryAfter: 8000 });
    const later = acquire('events', 10, 8000);
    await clock.pass(8000);
    await later;
  });

  it('goes at once from a full bucket in either lane, when it has as many operations as one call should have', async () => {
    for (const perSecond of [0.01, 1, 83]) {
      for (const lane of ['events', 'sweep'] as const) {
        const { bucket } = newBucket(perSecond);
        expect(await bucket.acquire(lane, 0, bucket.mostAtOnce)).toMatchObject({ granted: true });
      }
    }
  });

  it('goes although refusals have made the bucket smaller than the call, and leaves a debt', async () => {
    const { clock, granted, permits, acquire, bucket } = newBucket();
    for (let n = 0; n < 4; n++) {
      void acquire('events', 1);
      await clock.pass(1000);
      permits.at(-1)?.refused();
    }
    void acquire('sweep', 10);
    await clock.pass(20_000);
    expect(granted.filter(({ cost }) => cost === 10)).toHaveLength(1);
    expect(bucket.waitFor('events')).toBeGreaterThan(0);
  });

  it('never lets more operations through than the burst and the rate allow, and lets all through in the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom<Lane>('events', 'sweep'), fc.integer({ min: 1, max: 10 })), {
          maxLength: 40,
        }),
        async (calls) => {
          const { clock, granted, acquire } = newBucket();
          for (const [lane, cost] of calls) void acquire(lane, cost);
          for (let second = 0; second < 500; second++) await clock.pass(1000);
          expect(granted).toHaveLength(calls.length);
          let sum = 0;
          for (const { at, cost } of granted) {
            sum += cost;
            expect(sum).toBeLessThanOrEqual(burst + at / 1000 + 1e-6);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('gives the sweep at least one operation in ten while events wait', async () => {
    const { clock, granted, acquire } = newBucket();
    for (let n = 0; n < 100; n++) void acquire('events', 3);
    for (let n = 0; n < 5; n++) void acquire('sweep', 5);
    await clock.pass(240_000);
    const ofSweep = granted.filter(({ lane }) => lane === 'sweep').reduce((sum, { cost }) => sum + cost, 0);
    expect(ofSweep).toBeGreaterThanOrEqual(20);
    expect(ofSweep).toBeLessThanOrEqual(30);
  });
});

describe('a bucket that instances divide', () => {
  it('has an equal part of the rate and the burst', async () => {
    const { clock, bucket, granted, acquire } = newBucket(1);
    bucket.divide(4, false);
    for (let n = 0; n < 20; n++) void acquire('events', 1);
    await clock.pass(0);
    expect(granted).toHaveLength(burst / 4);
    await clock.pass(40_000);
    expect(granted).toHaveLength(burst / 4 + 10);
    bucket.divide(1, false);
    await clock.pass(5000);
    expect(granted).toHaveLength(burst / 4 + 15);
  });

  it('is empty for a newcomer, and fills at its rate', async () => {
    const { clock, bucket, granted, acquire } = newBucket(1);
    bucket.divide(2, true);
    void acquire('events', 1);
    await clock.pass(1900);
    expect(granted).toHaveLength(0);
    await clock.pass(100);
    expect(granted).toHaveLength(1);
  });

  it('keeps what refusals have shown', () => {
    const { clock, bucket } = newBucket(1);
    void bucket.acquire('events', 0).then((outcome) => outcome.granted && outcome.refused());
    return clock.pass(0).then(() => {
      expect(bucket.perSecond).toBeCloseTo(0.5);
      bucket.divide(5, false);
      expect(bucket.perSecond).toBeCloseTo(0.1);
      bucket.divide(1, false);
      expect(bucket.perSecond).toBeCloseTo(0.5);
    });
  });

  it('refuses callers that would wait too long with its new part', async () => {
    const { bucket, acquire } = newBucket(1);
    for (let n = 0; n < burst; n++) await acquire('events', 1);
    const waiting = bucket.acquire('events', 1500);
    bucket.divide(8, false);
    expect(await waiting).toEqual({ granted: false, retryAfter: 8000 });
  });

  it('lets no more through in any time than the parts of its instances allow, whoever comes and goes', async () => {
    const change = fc.record({ after: fc.integer({ min: 1, max: 60 }), instances: fc.integer({ min: 1, max: 8 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 10 }), async (changes) => {
        const { clock, bucket, granted, acquire } = newBucket(1);
        for (let n = 0; n < 800; n++) void acquire('events', 1);
        let allowed = burst;
        let instances = 1;
        for (const { after, instances: next } of changes) {
          for (let second = 0; second < after; second++) await clock.pass(1000);
          allowed += after / instances;
          expect(granted.length).toBeLessThanOrEqual(allowed + 1e-6);
          instances = next;
          bucket.divide(instances, false);
        }
      }),
      { numRuns: 30 },
    );
  });
});
