import { describe, expect, it } from 'vitest';
import { type QueueResult, ThrottleQueue } from '../../../../infra/local/hub/throttle-queue.ts';
import type { Clock } from '../../../../shared/clock.ts';
import { VirtualClock } from '../../../shared/hub/virtual-clock.ts';
import { fc } from './arbitraries.ts';

const forever = new AbortController().signal;

/** Makes calls that enter a queue, and records the result and the time of each call. */
function callers(queue: ThrottleQueue, clock: VirtualClock) {
  const results: { readonly name: string; readonly at: number; readonly result: QueueResult }[] = [];
  return {
    results,
    call(name: string, cost = 1, signal: AbortSignal = forever): void {
      void queue.enter(cost, signal).then((result) => results.push({ name, at: clock.time, result }));
    },
    /** The calls that were served, each as `name@time`. The time is in milliseconds. */
    served: () => results.filter(({ result }) => result.type === 'served').map(({ name, at }) => `${name}@${at}`),
  };
}

describe('a throttle queue', () => {
  it('serves a burst at once, then serves in order at its rate, then refuses until there is room', async () => {
    const clock = new VirtualClock();
    const { call, served, results } = callers(new ThrottleQueue({ perSecond: 2, burst: 1.5, queue: 1 }, clock), clock);
    for (const name of 'abcdefg') call(name);
    await clock.pass(0);
    expect(served()).toEqual(['a@0', 'b@0', 'c@0']);
    expect(results.slice(3)).toEqual([
      { name: 'f', at: 0, result: { type: 'refused', retryAfter: 1 } },
      { name: 'g', at: 0, result: { type: 'refused', retryAfter: 1 } },
    ]);
    await clock.pass(10_000);
    expect(served().slice(3)).toEqual(['d@500', 'e@1000']);
  });

  it('has one full burst after a quiet time, and not more', async () => {
    const clock = new VirtualClock();
    const { call, served } = callers(new ThrottleQueue({ perSecond: 1, burst: 2, queue: 0 }, clock), clock);
    await clock.pass(3_600_000);
    for (const name of 'abc') call(name);
    await clock.pass(1000);
    for (const name of 'de') call(name);
    await clock.pass(0);
    expect(served()).toEqual(['a@3600000', 'b@3600000', 'd@3601000']);
  });

  it('serves a call that costs more than a burst, and delays later calls accordingly', async () => {
    const clock = new VirtualClock();
    const { call, served, results } = callers(new ThrottleQueue({ perSecond: 1, burst: 2, queue: 8 }, clock), clock);
    call('large', 10);
    call('small');
    call('too late');
    await clock.pass(0);
    expect(served()).toEqual(['large@0']);
    expect(results.slice(1)).toEqual([
      { name: 'small', at: 0, result: { type: 'refused', retryAfter: 2 } },
      { name: 'too late', at: 0, result: { type: 'refused', retryAfter: 2 } },
    ]);
    await clock.pass(2000);
    call('small');
    await clock.pass(20_000);
    expect(served()).toEqual(['large@0', 'small@9000']);
  });

  it('lets later calls move up when a client disconnects', async () => {
    const clock = new VirtualClock();
    const { call, served, results } = callers(new ThrottleQueue({ perSecond: 1, burst: 0, queue: 10 }, clock), clock);
    const leaving = new AbortController();
    call('a');
    call('left', 5, leaving.signal);
    call('b');
    await clock.pass(500);
    leaving.abort();
    call('never came', 1, leaving.signal);
    await clock.pass(20_000);
    expect(served()).toEqual(['a@0', 'b@1000']);
    expect(
      results
        .filter(({ result }) => result.type === 'disconnected')
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['left', 'never came']);
  });

  it('keeps its rate and the order of calls, and never exceeds its longest wait', async () => {
    const arrivals = fc.array(
      fc.record({ gap: fc.nat(3000), cost: fc.integer({ min: 1, max: 20 }), patience: fc.option(fc.nat(2000)) }),
      { maxLength: 30 },
    );
    const limits = fc.record({
      perSecond: fc.double({ min: 0.1, max: 50, noNaN: true }),
      burst: fc.double({ min: 0, max: 10, noNaN: true }),
      queue: fc.double({ min: 0, max: 10, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(limits, arrivals, async (queueLimits, calls) => {
        const clock = new VirtualClock();
        const queue = new ThrottleQueue(queueLimits, clock);
        const results: QueueResult[] = [];
        const served: {
          readonly index: number;
          readonly cost: number;
          readonly at: number;
          readonly waited: number;
        }[] = [];
        for (const [index, { gap, cost, patience }] of calls.entries()) {
          await clock.pass(gap);
          const came = clock.time;
          const leaving = new AbortController();
          if (patience !== null) void clock.sleep(patience).then(() => leaving.abort());
          void queue.enter(cost, leaving.signal).then((result) => {
            results.push(result);
            if (result.type === 'served') served.push({ index, cost, at: clock.time, waited: clock.time - came });
          });
        }
        await clock.pass(60_000);
        expect(results).toHaveLength(calls.length);
        expect(served.map(({ index }) => index)).toEqual(served.map(({ index }) => index).toSorted((a, b) => a - b));
        expect(Math.max(0, ...served.map(({ waited }) => waited))).toBeLessThanOrEqual(queueLimits.queue * 1000 + 1);
        const capacity = Math.max(1, queueLimits.perSecond * queueLimits.burst);
        for (const [first, from] of served.entries()) {
          let before = 0;
          for (const to of served.slice(first)) {
            // The limit allows two extra milliseconds, because the clock rounds to whole milliseconds.
            const allowed = capacity + ((to.at - from.at + 2) / 1000) * queueLimits.perSecond;
            expect(before).toBeLessThanOrEqual(allowed);
            before += to.cost;
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has room after exactly its retry-after time', async () => {
    const costs = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 });
    const limit = fc.constantFrom(1 / 3, 100 / 60, 10, 83.3);
    const seconds = fc.constantFrom(0, 1, 2.5, 5);
    await fc.assert(
      fc.asyncProperty(limit, seconds, costs, async (perSecond, queueSeconds, calls) => {
        /**
         * Returns the result of a refused call and the result of a second attempt. `milliseconds` converts the `retryAfter` of the refusal
         * to the wait before the second attempt.
         */
        const retryResults = async (
          milliseconds: (retryAfter: number) => number,
        ): Promise<[QueueResult, QueueResult]> => {
          const clock = new VirtualClock();
          const queue = new ThrottleQueue({ perSecond, burst: 1, queue: queueSeconds }, clock);
          for (const cost of calls) void queue.enter(cost, forever);
          const first = queue.enter(1, forever);
          await clock.pass(0);
          const refused = await Promise.race([first, Promise.resolve({ type: 'served' } as const)]);
          fc.pre(refused.type === 'refused');
          await clock.pass(milliseconds(refused.retryAfter));
          const again = queue.enter(1, forever);
          await clock.pass(60_000);
          return [refused, await again];
        };
        expect(await retryResults((retryAfter) => retryAfter * 1000)).toMatchObject([{}, { type: 'served' }]);
        const early = await retryResults((retryAfter) => Math.max(0, (retryAfter - 1) * 1000 - 1));
        expect(early).toMatchObject([{}, { type: 'refused' }]);
      }),
    );
  });

  it('keeps the order of calls when its timer is late', async () => {
    const clock = new VirtualClock();
    const { call, served } = callers(new ThrottleQueue({ perSecond: 1, burst: 0, queue: 10 }, clock), clock);
    for (const name of 'ab') call(name);
    await clock.pass(0);
    clock.set(2000);
    call('c');
    await clock.pass(5000);
    expect(served()).toEqual(['a@0', 'b@2000', 'c@2000']);
  });

  it('keeps its limit for an hour with concurrent callers and late timers', async () => {
    const clock = new VirtualClock();
    const late: Clock = { now: () => clock.now(), sleep: (milliseconds) => clock.sleep(milliseconds + 400) };
    const queue = new ThrottleQueue({ perSecond: 10, burst: 0, queue: 10 }, late);
    let served = 0;
    for (let caller = 0; caller < 20; caller++) {
      void (async () => {
        while (clock.time < 3_600_000) if ((await queue.enter(1, forever)).type === 'served') served += 1;
      })();
    }
    await clock.pass(3_600_000);
    expect(served / 36_000).toBeGreaterThan(0.999);
    expect(served / 36_000).toBeLessThan(1.001);
  });
});
