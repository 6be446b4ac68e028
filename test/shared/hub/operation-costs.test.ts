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
