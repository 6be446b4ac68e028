import { HttpRequest, type InvocationContext } from '@azure/functions';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deviceEndpoints } from '../../../../functions/api/devices.ts';
import { driftEndpoints } from '../../../../functions/api/drift.ts';
import type { Endpoint } from '../../../../functions/api/http/endpoint.ts';
import { createRateLimit } from '../../../../functions/api/http/rate-limit.ts';
import { shareRunning } from '../../../../functions/api/http/share-running.ts';
import { createSlots } from '../../../../functions/api/http/slots.ts';
import { summaryEndpoints } from '../../../../functions/api/summary.ts';
import { sweepEndpoints } from '../../../../functions/api/sweeps.ts';
import type { App } from '../../../../functions/compose.ts';
import type { ActionLog } from '../../../../shared/actions/index.ts';
import type { History, Rollups } from '../../../../shared/drift/index.ts';
import type { SweepMemo } from '../../../../shared/sweep/store/index.ts';

afterEach(() => void vi.useRealTimers());

const context = { invocationId: 'the-invocation', error: () => {}, log: () => {} } as unknown as InvocationContext;
const now = () => new Date('2026-11-26T12:00:00Z');

describe('an export of the history', () => {
  const history = { page: async () => ({ rows: [] }) } as unknown as History;
  const csv = new HttpRequest({ method: 'GET', url: 'http://localhost/api/drift', headers: { accept: 'text/csv' } });

  it('is refused with 429 while as many others run, and possible again after one of them', async () => {
    const { drift } = driftEndpoints({ history, now }, createSlots(2));
    const [first, second] = [await drift.answer(csv, context), await drift.answer(csv, context)];
    const third = await drift.answer(csv, context);
    expect([first.status, second.status, third.status]).toEqual([undefined, undefined, 429]);
    expect(third.headers).toMatchObject({ 'retry-after': '10' });
    await Array.fromAsync(first.body as ReadableStream);
    expect((await drift.answer(csv, context)).status).toBeUndefined();
    expect((await drift.answer(csv, context)).status).toBe(429);
  });

  it('leaves its slot when storage fails', async () => {
    const failing = { page: () => Promise.reject(Object.assign(new Error('down'), { statusCode: 500 })) };
    const { drift } = driftEndpoints({ history: failing as unknown as History, now }, createSlots(1));
    for (let attempt = 0; attempt < 2; attempt++) expect((await drift.answer(csv, context)).status).toBe(503);
  });

  it('leaves its slot after ten minutes when the client is gone without notice', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const slots = createSlots(1);
    slots.take();
    expect(() => slots.take()).toThrow('already answers 1 large requests');
    vi.advanceTimersByTime(600_000);
    expect(() => slots.take()).not.toThrow();
  });
});

describe('a summary', () => {
  it('takes a slot only when its range is long, or when it reads the rows of the fleet', async () => {
    const rollups = { summary: () => new Promise(() => {}) } as unknown as Rollups;
    const history = { page: () => new Promise(() => {}) } as unknown as History;
    const asking = () => {
      const { summary } = summaryEndpoints({ rollups, history, now }, createSlots(1));
      return (query: string) =>
        summary.answer(new HttpRequest({ method: 'GET', url: `http://localhost/api/summary?${query}` }), context);
    };
    for (const wide of ['from=-400d', 'policy=agents', 'path=']) {
      const ask = asking();
      void ask('from=-31d');
      void ask('deviceId=press-01&policy=agents');
      void ask(wide);
      expect((await ask('from=-300d')).status).toBe(429);
    }
  });
});

describe('requests about devices', () => {
  const gone = { ok: false, problem: { type: 'gone', what: 'device', message: 'no such device' } } as const;

  it('make at most 60 reads of the hub at once and six a minute, in the lane that lets events go first', async () => {
    let reads = 0;
    const lanes = new Set<string>();
    const hub = {
      readTwin: async () => {
        reads++;
        return gone;
      },
      lane(lane: string) {
        lanes.add(lane);
        return hub;
      },
    };
    const history = { open: async () => ({ rows: [] }), page: async () => ({ rows: [] }) };
    let time = now().getTime();
    const app = { hub, history, policies: { all: [] }, now: () => new Date(time) } as unknown as App;
    const { device, 'device-reconcile': reconcile } = deviceEndpoints(app);
    const ask = (endpoint: Endpoint, deviceId: string) => {
      const request = new HttpRequest({ method: 'GET', url: 'http://localhost/', params: { deviceId } });
      return endpoint.answer(request, context);
    };
    await Promise.all(Array.from({ length: 50 }, () => ask(device, 'same')));
    expect(reads).toBe(1);
    for (let number = 0; number < 500; number++) await ask(number % 2 === 0 ? device : reconcile, `device-${number}`);
    expect([reads, [...lanes]]).toEqual([60, ['sweep']]);
    expect(await ask(device, 'one-more')).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
    time += 60_000;
    for (let number = 0; number < 50; number++) await ask(device, `later-${number}`);
    expect(reads).toBe(66);
  });
});

describe('requests for a sweep', () => {
  it('queue one start however many they are, until a sweep has started or a minute has passed', async () => {
    let time = now().getTime();
    const memos = new Map<string, SweepMemo>();
    const sweeps: { readonly startedAt: string }[] = [];
    const messages: unknown[] = [];
    const sweepStore = {
      readMemo: async (name: string) => memos.get(name),
      writeMemo: async (name: string, memo: SweepMemo) => void memos.set(name, memo),
      list: async () => sweeps,
    };
    const queue = { put: async (message: unknown) => void messages.push(message) };
    let recorded = 0;
    const actions: Pick<ActionLog, 'record'> = {
      async record(_, act) {
        recorded++;
        return act();
      },
    };
    const loadSweep = async () => ({ queue });
    const app = { sweepStore, loadSweep, actions, now: () => new Date(time) } as unknown as App;
    const start = sweepEndpoints(app)['sweep-start'];
    const ask = async () => {
      const request = () => new HttpRequest({ method: 'POST', url: 'http://localhost/api/sweep' });
      const answers = await Promise.all(Array.from({ length: 20 }, () => start.answer(request(), context)));
      answers.push(await start.answer(request(), context));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    };
    await ask();
    expect(messages).toEqual([{ type: 'start', at: '2026-11-26T12:00:00.000Z' }]);
    time += 1000;
    sweeps.unshift({ startedAt: new Date(time).toISOString() });
    time += 1000;
    await ask();
    expect(messages).toHaveLength(2);
    time += 60_000;
    await ask();
    expect(messages).toHaveLength(3);
    // The record of actions names each person who asked.
    expect(recorded).toBe(3 * 21);
  });
});

describe('a rate limit', () => {
  it('allows a burst, then the rate, and says when the next request is possible', () => {
    let time = 0;
    const limit = createRateLimit({ burst: 3, perMinute: 6, now: () => new Date(time) });
    for (let request = 0; request < 3; request++) limit.take();
    expect(() => limit.take()).toThrow(expect.objectContaining({ status: 429, retryAfter: 10 }));
    time += 10_000;
    limit.take();
    expect(() => limit.take()).toThrow(expect.objectContaining({ status: 429 }));
    time += 3_600_000;
    for (let request = 0; request < 3; request++) limit.take();
    expect(() => limit.take()).toThrow(expect.objectContaining({ status: 429 }));
  });
});

describe('shared work', () => {
  it('runs once for all calls at the same time with the same key', async () => {
    const keys: string[] = [];
    const shared = shareRunning(async (key) => void keys.push(key));
    await Promise.all([shared('a'), shared('a'), shared('b')]);
    expect(keys).toEqual(['a', 'b']);
    await shared('a');
    expect(keys).toEqual(['a', 'b', 'a']);
  });

  it('runs again after a failure', async () => {
    let runs = 0;
    const shared = shareRunning(async () => {
      if (++runs === 1) throw new Error('no');
    });
    await expect(Promise.all([shared(''), shared('')])).rejects.toThrow('no');
    await shared('');
    expect(runs).toBe(2);
  });
});
