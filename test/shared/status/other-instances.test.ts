import { describe, expect, it, vi } from 'vitest';
import { createStatusStore, OtherInstances } from '../../../shared/status/index.ts';
import { newStorageAccount } from '../../support/storage.ts';

const minute = 60_000;
const start = Date.UTC(2026, 5, 1, 12);

function newWatch() {
  let time = start;
  const stored = new Map<string, { readonly day: string; readonly messages: number; readonly at: string }>();
  let reads = 0;
  const watch = new OtherInstances({
    instance: 'me',
    now: () => new Date(time),
    list: async () => {
      reads += 1;
      return [...stored].map(([instance, use]) => ({ instance, ...use }));
    },
  });
  return {
    watch,
    reads: () => reads,
    put: (instance: string, messages: number, at = time, day = '2026-06-01') =>
      stored.set(instance, { day, messages, at: new Date(at).toISOString() }),
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

describe('the other instances', () => {
  it('are those that stored their use in the last minutes, without this one', async () => {
    const { watch, put, pass } = newWatch();
    for (const name of ['me', 'a', 'b']) put(name, 10);
    put('ended', 500, start - 10 * minute);
    expect(watch.current()).toEqual({ count: 0, messages: 0 });
    await watch.read();
    expect(watch.current()).toEqual({ count: 2, messages: 520 });
    pass(2 * minute);
    put('a', 11);
    await watch.read();
    expect(watch.current().count).toBe(2);
    pass(minute);
    expect(watch.current().count).toBe(1);
  });

  it('share the quota of one day', async () => {
    const { watch, put, pass } = newWatch();
    put('a', 100);
    await watch.read();
    pass(12 * 60 * minute);
    expect(watch.current().messages).toBe(0);
  });

  it('are read again when the clock was set back', () => {
    const { watch, pass, reads } = newWatch();
    watch.current();
    pass(-60 * minute);
    watch.current();
    expect(reads()).toBe(2);
  });

  it('are read in the background, at most every twenty seconds', async () => {
    const { watch, put, pass, reads } = newWatch();
    put('a', 1);
    for (let call = 0; call < 100; call++) watch.current();
    expect(reads()).toBe(1);
    await vi.waitFor(() => expect(watch.current().count).toBe(1));
    pass(20_000);
    watch.current();
    expect(reads()).toBe(2);
  });

  it('are still known when storage fails', async () => {
    let broken = false;
    const watch = new OtherInstances({
      instance: 'me',
      now: () => new Date(start),
      list: async () => {
        if (broken) throw new Error('no storage');
        return [{ instance: 'a', day: '2026-06-01', messages: 7, at: new Date(start).toISOString() }];
      },
    });
    await watch.read();
    broken = true;
    await expect(watch.read()).rejects.toThrow();
    expect(watch.current()).toEqual({ count: 1, messages: 7 });
  });

  it('are found through what they store', async () => {
    const { endpoints } = await newStorageAccount();
    const store = createStatusStore(endpoints, () => new Date(start));
    await store.putUsage('a', { day: '2026-06-01', minutes: {}, messages: 42 });
    expect(await store.instances()).toEqual([
      { instance: 'a', day: '2026-06-01', messages: 42, at: '2026-06-01T12:00:00.000Z' },
    ]);
  });
});
