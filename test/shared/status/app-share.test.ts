import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lane } from '../../../shared/hub/index.ts';
import { AppShare } from '../../../shared/status/app-share.ts';
import { type InstanceUse, othersAlive } from '../../../shared/status/instance-use.ts';
import type { DayUsage } from '../../../shared/status/usage.ts';
import { UsageRecorder } from '../../../shared/status/usage-recorder.ts';
import { VirtualClock } from '../hub/virtual-clock.ts';

const day = 86_400_000;

/** Instances of an app with one storage. `dailyMessages` is the quota of the app. */
function appOf(dailyMessages = 1000) {
  const clock = new VirtualClock();
  const rows = new Map<string, DayUsage & { readonly instance: string }>();
  const storage = { fails: false, hangs: false, writes: 0, reads: 0 };
  const answer = async () => {
    if (storage.hangs) await new Promise(() => {});
    if (storage.fails) throw new Error('storage does not answer');
  };
  return {
    clock,
    rows,
    storage,
    instance(name: string) {
      const usage = new UsageRecorder({
        async store(row) {
          storage.writes++;
          await answer();
          rows.set(`${row.day} ${name}`, { ...row, instance: name });
        },
        now: () => clock.now(),
        later: () => {},
      });
      const share = new AppShare({
        instance: name,
        usage,
        async uses(): Promise<readonly InstanceUse[]> {
          storage.reads++;
          await answer();
          return [...rows.values()];
        },
        dailyMessages,
        clock,
        random: () => 0,
      });
      /** Enters, and waits at most `patience` milliseconds of the clock for it. */
      async function enter(lane: Lane = 'events', patience = 0) {
        const entered = share.enter(lane, true);
        await clock.pass(patience);
        return entered;
      }
      const spend = (messages: number) => share.called({ operation: 'twinRead', result: 'ok', messages });
      const refuse = () => {
        const problem = { type: 'throttled', quota: 'hub', message: 'IotHubQuotaExceeded' } as const;
        share.called({ operation: 'twinRead', result: 'throttled', messages: 0, problem });
      };
      return { share, enter, spend, refuse };
    },
  };
}

describe('the instances of an app', () => {
  it('divide the throttles equally, and a new one counts itself at its first call', async () => {
    const app = appOf();
    const names = ['a', 'b', 'c'];
    const instances = names.map((name) => app.instance(name));
    const first = [];
    for (const instance of instances) first.push((await instance.enter()).instances);
    expect(first).toEqual([1, 2, 3]);
    await app.clock.pass(46_000);
    for (const instance of instances) expect((await instance.enter()).instances).toBe(3);
  });

  it('begin with empty buckets only where others are alive', async () => {
    const app = appOf();
    const [a, b] = [app.instance('a'), app.instance('b')];
    expect((await a.enter()).joins).toBe(0);
    expect((await b.enter()).joins).toBe(1);
    await app.clock.pass(10 * 60_000);
    expect((await a.enter()).joins).toBe(0);
    expect((await b.enter()).joins).toBe(2);
    expect((await b.enter()).joins).toBe(2);
  });

  it('see each other when all start at the same moment', async () => {
    const app = appOf();
    const instances = Array.from({ length: 8 }, (_, n) => app.instance(`i${n}`));
    const entered = await Promise.all(instances.map(({ share }) => share.enter('events', true)));
    const used = entered.reduce((sum, each) => sum + 1 / each.instances, 0);
    expect(used).toBeLessThanOrEqual(1);
  });

  it('count an instance while it calls, and forget it within two minutes after its last call', async () => {
    const app = appOf();
    const [a, b] = [app.instance('a'), app.instance('b')];
    for (let second = 0; second < 600; second++) {
      await b.enter();
      expect((await a.enter()).instances).toBe(2);
      await app.clock.pass(1000);
    }
    for (let second = 0; second < 120; second++) {
      await app.clock.pass(1000);
      await a.enter();
    }
    expect((await a.enter()).instances).toBe(1);
  });

  it('write at most about once a minute and read twice, while they work, and never without work', async () => {
    const app = appOf(1_000_000);
    const { enter, spend } = app.instance('a');
    for (let second = 0; second < 3600; second++) {
      await enter();
      spend(1);
      await app.clock.pass(1000);
    }
    expect(app.storage.writes).toBeLessThanOrEqual(66);
    expect(app.storage.reads).toBeLessThanOrEqual(122);
    const { writes, reads } = app.storage;
    await app.clock.pass(day);
    expect(app.storage).toMatchObject({ writes, reads });
  });
});

describe('the daily quota of an app', () => {
  it('puts off sweeps at 80 %, and events at 100 %, until midnight', async () => {
    const app = appOf(1000);
    const { enter, spend, share } = app.instance('a');
    await app.clock.pass(6 * 3_600_000);
    await enter();
    spend(799);
    expect((await enter('sweep')).putOff).toBeUndefined();
    spend(1);
    expect((await enter('sweep')).putOff).toMatchObject({ quota: 'share', retryAfter: 18 * 3_600_000 });
    expect((await enter('sweep')).putOff?.reason).toContain('is for events');
    expect((await enter('events')).putOff).toBeUndefined();
    spend(200);
    expect((await enter('events')).putOff?.reason).toContain('00:00 UTC');
    expect(share.putOff('events')).toMatchObject({ quota: 'share' });
    expect((await share.enter('events', false)).putOff).toBeUndefined();
    await app.clock.pass(18 * 3_600_000);
    expect((await enter('sweep')).putOff).toBeUndefined();
  });

  it('is one of all instances together, and is exceeded by little', async () => {
    await fc.assert(
      fc.asyncProperty(fc.gen(), fc.constantFrom<Lane>('events', 'sweep'), async (any, lane) => {
        const limit = 2000;
        const app = appOf(limit);
        const instances = Array.from({ length: 8 }, (_, n) => app.instance(`i${n}`));
        let spent = 0;
        let putOff = 0;
        while (putOff < 100) {
          const instance = any(fc.constantFrom, ...instances);
          const messages = any(fc.integer, { min: 1, max: 4 });
          if ((await instance.enter(lane)).putOff === undefined) {
            instance.spend(messages);
            spent += messages;
          } else putOff++;
          await app.clock.pass(any(fc.nat, 2000));
        }
        const allowed = lane === 'sweep' ? 0.8 * limit : limit;
        expect(spent).toBeGreaterThanOrEqual(allowed * 0.99);
        expect(spent).toBeLessThanOrEqual(allowed + 0.1 * limit);
      }),
      { numRuns: 10 },
    );
  });

  it('counts on with what is known when storage fails, and does not stop calls', async () => {
    const app = appOf(1000);
    const [a, b] = [app.instance('a'), app.instance('b')];
    await b.enter();
    b.spend(300);
    await app.clock.pass(46_000);
    await b.enter();
    await a.enter();
    app.storage.fails = true;
    await app.clock.pass(200_000);
    expect((await a.enter('events', 2000)).putOff).toBeUndefined();
    expect((await a.enter()).instances).toBe(2);
    a.spend(700);
    expect((await a.enter()).putOff).toBeDefined();
  });

  it('lets a call wait for storage that hangs a second and not longer, and calls small until it has read', async () => {
    const app = appOf();
    app.storage.hangs = true;
    const { enter } = app.instance('a');
    expect((await enter('events', 1000)).instances).toBe(8);
  });
});

describe('the quota of the hub', () => {
  it('puts off all calls of all instances when it is used up, and one call tries again after a quarter of an hour', async () => {
    const app = appOf();
    const [a, b] = [app.instance('a'), app.instance('b')];
    await app.clock.pass(1000);
    await a.enter();
    a.refuse();
    await app.clock.pass(60_000);
    expect((await a.enter()).putOff).toMatchObject({ quota: 'hub', retryAfter: day - 61_000 });
    expect((await b.enter('events')).putOff).toMatchObject({ quota: 'hub' });
    await app.clock.pass(15 * 60_000);
    expect((await a.enter()).putOff).toBeUndefined();
    a.refuse();
    expect((await a.enter()).putOff).toBeDefined();
    await app.clock.pass(15 * 60_000);
    await a.enter();
    a.spend(1);
    expect((await a.enter()).putOff).toBeUndefined();
  });

  it('is the one of the day', async () => {
    const app = appOf();
    const { enter, refuse } = app.instance('a');
    await app.clock.pass(day - 60_000);
    await enter();
    refuse();
    expect((await enter()).putOff).toMatchObject({ quota: 'hub', retryAfter: 60_000 });
    await app.clock.pass(60_000);
    expect((await enter()).putOff).toBeUndefined();
  });
});

describe('the number of living instances', () => {
  it('counts each once, without the reader and without those that are silent for 90 seconds', () => {
    const row = fc.record({
      instance: fc.constantFrom('a', 'b', 'c', 'd'),
      day: fc.constantFrom('1970-01-01', '1970-01-02'),
      messages: fc.nat(),
      aliveAt: fc.integer({ min: 0, max: 2 * day }).map((time) => new Date(time).toISOString()),
    });
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: 0, max: 2 * day }), (rows, now) => {
        const alive = othersAlive(rows, 'a', now);
        const expected = ['b', 'c', 'd'].filter((name) =>
          rows.some(({ instance, aliveAt }) => instance === name && now - Date.parse(aliveAt) < 90_000),
        );
        expect(alive).toBe(expected.length);
      }),
    );
  });
});
