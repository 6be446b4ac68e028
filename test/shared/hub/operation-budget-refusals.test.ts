import { beforeEach, describe, expect, it } from 'vitest';
import { OperationBudget } from '../../../shared/hub/operation-budget.ts';
import { callersAt } from './bucket-callers.ts';
import { VirtualClock } from './virtual-clock.ts';

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

/** A token bucket. Default: one call a second, and no jitter. */
const newBucket = (perSecond = 1, random = 0) => new OperationBudget({ perSecond, clock, random: () => random });

describe('a refused call', () => {
  it('halves the rate once, together with all calls under way at the time', async () => {
    const bucket = newBucket();
    const { acquire, permits } = callersAt(bucket, clock);
    for (let n = 0; n < 5; n++) acquire('events');
    await clock.pass(100);
    for (const permit of permits) permit.refused();
    expect(bucket.perSecond).toBe(0.5);
  });

  it('halves the rate again when it was made after the first halving', async () => {
    const bucket = newBucket();
    const { acquire, permits } = callersAt(bucket, clock);
    for (let n = 0; n < 2; n++) acquire('events');
    await clock.pass(100);
    for (const permit of permits.splice(0)) permit.refused(1000);
    acquire('events');
    await clock.pass(1000);
    permits[0]?.refused(1000);
    expect(bucket.perSecond).toBe(0.25);
  });

  it('closes the bucket for Retry-After plus jitter, for waiting and new calls', async () => {
    const bucket = newBucket(1, 1);
    const { acquire, granted, permits } = callersAt(bucket, clock);
    acquire('events');
    await clock.pass(0);
    permits[0]?.refused(10_000);
    acquire('events');
    acquire('sweep');
    await clock.pass(10_999);
    expect(granted.length).toBe(1);
    await clock.pass(1);
    expect(granted.length).toBe(2);
    await clock.pass(10_000);
    expect(granted.length).toBe(3);
  });

  it('extends the time when its Retry-After ends later', async () => {
    const { acquire, granted, permits } = callersAt(newBucket(), clock);
    for (let n = 0; n < 2; n++) acquire('events');
    await clock.pass(0);
    permits[0]?.refused(1000);
    permits[1]?.refused(20_000);
    acquire('events');
    await clock.pass(19_999);
    expect(granted.length).toBe(2);
    await clock.pass(1);
    expect(granted.length).toBe(3);
  });

  it('lets the rate grow only after the bucket opens again', async () => {
    const bucket = newBucket();
    const { acquire, permits } = callersAt(bucket, clock);
    for (let n = 0; n < 2; n++) acquire('events');
    await clock.pass(0);
    permits[0]?.refused(1000);
    permits[1]?.refused(20_000);
    await clock.pass(20_000);
    expect(bucket.perSecond).toBe(0.5);
    await clock.pass(1000);
    expect(bucket.perSecond).toBeGreaterThan(0.5);
  });

  it('leaves no tokens for a burst', async () => {
    const { acquire, granted, permits } = callersAt(newBucket(), clock);
    acquire('events');
    await clock.pass(0);
    permits[0]?.refused(10_000);
    for (let n = 0; n < 10; n++) acquire('events');
    await clock.pass(10_000);
    expect(granted.length).toBe(2);
  });

  it('closes the bucket for an hour at most', async () => {
    const { acquire, granted, permits } = callersAt(newBucket(), clock);
    acquire('events');
    await clock.pass(0);
    permits[0]?.refused(1e12);
    acquire('events');
    await clock.pass(3_600_000);
    expect(granted.length).toBe(2);
  });
});

describe('a call that cannot wait long enough', () => {
  it('is refused at once, with the time until there is room', async () => {
    const bucket = newBucket();
    const { acquire, granted, refused, empty } = callersAt(bucket, clock);
    await empty();
    acquire('events', 'a', 3000);
    acquire('events', 'b', 3000);
    acquire('events', 'c', 3000);
    acquire('events', 'd', 3000);
    await clock.pass(0);
    expect(refused).toEqual([{ name: 'd', at: 0, retryAfter: 4000 }]);
    await clock.pass(3000);
    expect(granted.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('is refused as soon as the hub asks for a longer time', async () => {
    const { acquire, granted, refused, permits, empty } = callersAt(newBucket(), clock);
    acquire('events');
    await clock.pass(0);
    await empty();
    acquire('events', 'impatient', 5000);
    acquire('events', 'patient');
    permits[0]?.refused(30_000);
    await clock.pass(0);
    expect(refused).toEqual([{ name: 'impatient', at: 0, retryAfter: 30_000 }]);
    await clock.pass(30_000);
    expect(granted.at(-1)?.name).toBe('patient');
  });

  it('is refused at its deadline when other calls went first', async () => {
    const { acquire, refused, empty } = callersAt(newBucket(), clock);
    await empty();
    acquire('sweep', 'sweep', 5000);
    for (let n = 0; n < 20; n++) acquire('events');
    await clock.pass(5001);
    expect(refused).toEqual([{ name: 'sweep', at: 5001, retryAfter: expect.any(Number) }]);
  });
});

describe('the estimated wait', () => {
  it('is the time that the next call will wait', async () => {
    const bucket = newBucket();
    const { acquire, granted, empty } = callersAt(bucket, clock);
    expect([bucket.waitFor('events'), bucket.waitFor('sweep')]).toEqual([0, 0]);
    await empty();
    expect([bucket.waitFor('events'), bucket.waitFor('sweep')]).toEqual([1000, 3000]);
    acquire('events');
    acquire('events');
    await clock.pass(500);
    expect(bucket.waitFor('events')).toBe(2500);
    await clock.pass(10_000);
    expect(granted.length).toBe(2);
  });
});
