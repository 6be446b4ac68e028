import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MeteredCall } from '../../../shared/hub/index.ts';
import { type DayUsage, sumUsage } from '../../../shared/status/usage.ts';
import { UsageRecorder } from '../../../shared/status/usage-recorder.ts';

const minute = 60_000;
const midnight = Date.UTC(2026, 10, 22);

/** A process whose time the test moves. `stored` has the last row of each day. */
function processAt(start: number) {
  const state = {
    time: start,
    writes: 0,
    fails: false,
    planned: [] as { readonly at: number; readonly run: () => void }[],
  };
  const stored = new Map<string, DayUsage>();
  const recorder = new UsageRecorder({
    async store(usage) {
      state.writes++;
      if (state.fails) throw new Error('storage does not answer');
      stored.set(usage.day, usage);
    },
    now: () => new Date(state.time),
    later: (milliseconds, run) => state.planned.push({ at: state.time + milliseconds, run }),
  });
  return {
    state,
    stored,
    recorder,
    /** Moves the time, and runs what was planned for it. */
    async pass(milliseconds: number) {
      state.time += milliseconds;
      const due = state.planned.filter(({ at }) => at <= state.time);
      state.planned = state.planned.filter(({ at }) => at > state.time);
      for (const { run } of due) run();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const read: MeteredCall = { operation: 'twinRead', result: 'ok', messages: 2 };

describe('the use of the hub by one process', () => {
  it('keeps the counts of a day when the clock is set back over midnight, and is stored again within a minute', async () => {
    const { state, stored, recorder, pass } = processAt(midnight - minute);
    recorder.called(read);
    await recorder.flush();
    state.time = midnight + minute;
    recorder.called(read);
    await recorder.flush();
    state.time = midnight - minute;
    recorder.called(read);
    await recorder.flush();
    await pass(minute);
    expect([...stored].map(([day, { messages }]) => [day, messages])).toEqual([
      ['2026-11-21', 4],
      ['2026-11-22', 2],
    ]);
  });

  it('is stored at most once a minute, and only after something has changed', async () => {
    const { state, stored, recorder, pass } = processAt(midnight);
    await recorder.flush();
    expect(state.writes).toBe(0);
    recorder.called(read);
    await recorder.flush();
    expect(state.writes).toBe(1);
    for (let n = 0; n < 100; n++) {
      recorder.called(read);
      await recorder.flush();
    }
    expect(state.writes).toBe(1);
    await pass(minute);
    expect(state.writes).toBe(2);
    expect(stored.get('2026-11-22')?.messages).toBe(202);
    await pass(10 * minute);
    await recorder.flush();
    expect(state.writes).toBe(2);
  });

  it('is stored later when storage does not answer', async () => {
    const { state, stored, recorder, pass } = processAt(midnight);
    recorder.called(read);
    state.fails = true;
    await expect(recorder.flush()).rejects.toThrow('storage does not answer');
    state.fails = false;
    await pass(minute);
    await recorder.flush();
    expect(stored.get('2026-11-22')?.messages).toBe(2);
  });

  it('is stored for each day by itself, also what came just before midnight', async () => {
    const { stored, recorder, pass } = processAt(midnight - minute / 2);
    await recorder.flush();
    recorder.called(read);
    await recorder.flush();
    recorder.called({ ...read, messages: 5 });
    await recorder.flush();
    await pass(minute / 2 + 1);
    recorder.called({ ...read, messages: 7 });
    await pass(minute);
    await recorder.flush();
    expect([stored.get('2026-11-21')?.messages, stored.get('2026-11-22')?.messages]).toEqual([7, 7]);
  });

  it('says when the hub answered, failed and changed, and when events came', () => {
    const { state, recorder, stored } = processAt(midnight);
    const failure = { type: 'transient', message: '503 unavailable' } as const;
    recorder.called({ operation: 'twinUpdate', result: 'ok', messages: 1 });
    state.time += 1000;
    recorder.called({ operation: 'twinRead', result: 'transient', messages: 0, problem: failure });
    state.time += 1000;
    recorder.eventsArrived();
    void recorder.flush();
    expect(stored.get('2026-11-22')).toMatchObject({
      lastChangeAt: '2026-11-22T00:00:00.000Z',
      lastAnswerAt: '2026-11-22T00:00:00.000Z',
      lastFailureAt: '2026-11-22T00:00:01.000Z',
      failure: '503 unavailable',
      lastEventAt: '2026-11-22T00:00:02.000Z',
    });
  });

  it.each([
    ['throttled', { type: 'throttled', message: '429' }],
    ['gone', { type: 'gone', what: 'device', message: '404' }],
    ['refused', { type: 'refused', status: 400, message: '400' }],
  ] as const)('counts a hub that answers "%s" as reachable', (result, problem) => {
    const { recorder, stored } = processAt(midnight);
    recorder.called({ operation: 'twinRead', result, messages: 0, problem });
    void recorder.flush();
    expect(stored.get('2026-11-22')?.lastFailureAt).toBeUndefined();
    expect(stored.get('2026-11-22')?.lastAnswerAt).toBeDefined();
  });

  it('counts a hub that refuses the identity of the app as unreachable', () => {
    const { recorder, stored } = processAt(midnight);
    const problem = { type: 'refused', status: 401, message: '401 Unauthorized' } as const;
    recorder.called({ operation: 'twinRead', result: 'refused', messages: 0, problem });
    void recorder.flush();
    expect(stored.get('2026-11-22')).toMatchObject({ failure: '401 Unauthorized' });
  });
});

describe('the use of the hub by all processes', () => {
  it('counts each call in exactly one window, and each message once a day, whatever the processes', async () => {
    const call = fc.record({
      process: fc.nat(2),
      second: fc.nat(40 * 60),
      throttled: fc.boolean(),
      messages: fc.nat(9),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 60 }), async (calls) => {
        const start = midnight - 20 * minute;
        const processes = [0, 1, 2].map(() => processAt(start));
        let counted = 0;
        let throttled = 0;
        // The window of a status ends a minute before the status, so the last window ends after the last call.
        for (let second = 0; second <= 55 * 60; second++) {
          for (const { process, throttled: isThrottled, messages } of calls.filter((each) => each.second === second)) {
            const { recorder } = processes[process] as ReturnType<typeof processAt>;
            recorder.called({ operation: 'query', result: isThrottled ? 'throttled' : 'ok', messages });
            await recorder.flush();
          }
          for (const { state, pass } of processes) {
            if (state.planned.some(({ at }) => at <= state.time + 1000)) await pass(1000);
            else state.time += 1000;
          }
          if ((second + 1) % 300 !== 15) continue;
          const now = new Date(start + (second + 1) * 1000);
          const usage = sumUsage(
            processes.flatMap(({ stored }) => [...stored.values()]),
            now,
          );
          counted += usage.calls.query;
          throttled += usage.throttled.query;
        }
        expect(counted).toBe(calls.length);
        expect(throttled).toBe(calls.filter((each) => each.throttled).length);
        const all = processes.flatMap(({ stored }) => [...stored.values()]);
        const today = calls.filter(({ second }) => start + second * 1000 >= midnight);
        expect(sumUsage(all, new Date(midnight + 30 * minute)).messagesToday).toBe(
          today.reduce((sum, { messages }) => sum + messages, 0),
        );
      }),
      { numRuns: 30 },
    );
  });
});
